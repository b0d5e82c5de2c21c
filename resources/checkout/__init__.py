"""The checkout: the only behaviour of the shop. A cart becomes an order, and orders move through their states."""

from resources.checkout.payment import tell_provider
from resources.checkout.place import place_order
from resources.checkout.states import (
    Cancellation,
    Return,
    Shipment,
    cancel_order,
    keep_history,
    note_move,
    pay_order,
    return_order,
)

__all__ = [
    "Cancellation",
    "Return",
    "Shipment",
    "cancel_order",
    "keep_history",
    "note_move",
    "pay_order",
    "place_order",
    "return_order",
    "tell_provider",
]
