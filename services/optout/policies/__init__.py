"""Reach policies: how far an opt-out reaches by country and date, where the reply itself does not say. Pure."""

from services.optout.policies.own import OwnPolicy
from services.optout.policies.reach import EVERYWHERE, SHIPPED_ALONE, ReachPolicies, reach_of
from services.optout.policies.shipped import SHIPPED, ShippedPolicy, read_shipped, shipped_policies
from services.optout.policies.width import NO_POLICY, PolicyReach, Reach

__all__ = [
    "EVERYWHERE",
    "NO_POLICY",
    "SHIPPED",
    "SHIPPED_ALONE",
    "OwnPolicy",
    "PolicyReach",
    "Reach",
    "ReachPolicies",
    "ShippedPolicy",
    "reach_of",
    "read_shipped",
    "shipped_policies",
]
