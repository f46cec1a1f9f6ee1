"""HTTP as it is open to the network: what one connection, one address and all together may use."""
