"""The contract for producers and consumers in any language, made from the models: `python -m shared.contract`."""
