"""The table of who may read and write what: documented as it is, and compared with what a broker has."""

from pathlib import Path

from harness.cli.acls import as_table, compare
from harness.kafka.authorizer import Allowed
from shared.access import Acl, acls, roles
from shared.topics import SUPPRESSIONS

PAGE = Path(__file__).parents[3] / "docs" / "security.md"


def there(acl: Acl) -> Allowed:
    return Allowed(acl.principal, acl.resource, acl.name, acl.operation, acl.prefixed, "*")


def test_the_documentation_shows_the_table() -> None:
    assert as_table(roles()) in PAGE.read_text()


def test_only_the_pipeline_writes_suppressions() -> None:
    """Every sender believes what is there."""
    assert [role.name for role in roles() if SUPPRESSIONS in role.writes] == ["optout"]


def test_a_broker_with_just_the_table_does_not_differ() -> None:
    wanted = acls(roles(), {})
    assert list(compare(wanted, [there(acl) for acl in wanted])) == []


def test_what_is_missing_and_what_is_too_much_is_named() -> None:
    wanted = acls(roles(), {})
    more = [
        Allowed("User:crm", "topic", SUPPRESSIONS, "Write", prefixed=False, host="*"),
        Allowed("User:crm", "topic", "supp", "All", prefixed=True, host="10.0.0.1"),
        Allowed("User:*", "topic", "*", "Read", prefixed=False, host="*"),
        Allowed("User:crm", "topic", "unrelated", "Write", prefixed=False, host="*"),
    ]
    assert list(compare(wanted, [*map(there, wanted[1:]), *more])) == [
        "missing: User:inbound Write topic inbound-messages",
        "not in the table: User:* Read topic *",
        "not in the table: User:crm All topic supp*",
        "not in the table: User:crm Write topic suppressions",
    ]


def test_a_role_may_have_principals_of_its_own() -> None:
    wanted = acls(roles(), {"producer": ["User:shop", "User:CN=crm"]})
    writers = [acl.principal for acl in wanted if acl.operation == "Write" and acl.name == "outbound-messages"]
    assert writers == ["User:optout", "User:api", "User:shop", "User:CN=crm"]


def test_the_page_of_phones_has_rights_only_where_it_is_named() -> None:
    """Production does without it: its broker lets nobody read all topics by that name."""
    assert not [acl for acl in acls(roles(), {}) if "phones" in acl.principal]
    named = acls(roles(), {"phones": ["User:phones"]})
    assert {acl.operation for acl in named if acl.principal == "User:phones"} == {"Read", "Write"}
    assert [acl.name for acl in named if acl.principal == "User:phones" and acl.operation == "Write"] == [
        "outbound-messages"
    ]
