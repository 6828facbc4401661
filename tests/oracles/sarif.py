"""Judges SARIF by a model that was generated from the standard's JSON schema."""

from pydantic import ValidationError
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif


def faults(document):
    """What the schema refuses, one line each."""
    try:
        Sarif.model_validate(document)
    except ValidationError as error:
        return [f"{fault['loc']}: {fault['msg']}" for fault in error.errors()]
    return []
