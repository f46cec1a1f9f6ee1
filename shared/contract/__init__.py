"""The contract for producers and consumers in any language, generated from the models: `python -m shared.contract`."""
