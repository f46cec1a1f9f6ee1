-- A parked record's id is computed from its place, so that one parked twice is shown once: nothing has to be noted here.

DROP TABLE parked;
