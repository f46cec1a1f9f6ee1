"""Prints both OpenAPI documents of the customer API, as it serves them: {"v1": …, "v3": …}. It connects to nothing."""

import json

from services.optout.api.app import create_app
from services.optout.api.openapi import document
from services.optout.api.settings import ApiSettings

app = create_app(ApiSettings.model_construct())
print(json.dumps({version: document(app, version) for version in ("v1", "v3")}))
