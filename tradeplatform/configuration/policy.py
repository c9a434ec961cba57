"""What a browser may load and do: the Content-Security-Policy of every page."""

from typing import Any

from csp.constants import NONCE, NONE, SELF

LIGHTWEIGHT_CHARTS_STYLE = "'sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY='"  # the logo's style of 5.2.1
PLOTLY_EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"  # an empty sheet, filled by rules
PLOTLY_MAPS_STYLE = "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='"  # of its maps (4.1.1), which nobody draws

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, LIGHTWEIGHT_CHARTS_STYLE, PLOTLY_EMPTY_STYLE, PLOTLY_MAPS_STYLE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
