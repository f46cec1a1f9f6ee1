"""The filters of the opt-out list, as its address has them."""

from datetime import MAXYEAR, UTC, date, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field


class OptOutSearch(BaseModel):
    """The filters of the opt-out list; empty ones are left out. `said` and `about` are what was just done, to whom."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    phone: str = Field("", max_length=200)
    list_id: str = Field("", max_length=20)
    source: str = Field("", max_length=20)
    sender_number: str = Field("", max_length=50)
    since: str = Field("", max_length=10)
    until: str = Field("", max_length=10)
    after: str = Field("", max_length=600)
    seen: str = Field("", max_length=16)
    said: str = Field("", max_length=30)
    about: str = Field("", max_length=20)

    def kept(self) -> dict[str, str]:
        """Return the filters as they stay in addresses."""
        names = ("phone", "list_id", "source", "sender_number", "since", "until")
        return {name: value for name in names if (value := getattr(self, name).strip())}

    def filters(self) -> dict[str, str | int | None]:
        """Return them as the API takes them: a day as its start in UTC, the last one included."""
        kept = self.kept()
        until = day_start(kept.get("until"))
        return {
            **kept,
            "since": _api_time(day_start(kept.get("since"))),
            "until": _api_time(until + timedelta(days=1) if until else None),
        }


def day_start(text: str | None) -> datetime | None:
    """Return the start of a day in UTC; None where there is none that can be read."""
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return None if day.year == MAXYEAR else datetime.combine(day, datetime.min.time(), UTC)


def _api_time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
