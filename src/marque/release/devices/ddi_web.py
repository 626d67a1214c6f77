"""hawkBit's Direct Device Integration."""

from fastapi import APIRouter

routes = APIRouter()
