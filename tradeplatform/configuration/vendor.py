"""Which files of installed front-end packages are served, and under which public name."""

from importlib.util import find_spec
from pathlib import Path

NPM_FILES = {
    "vendor/tabler/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "vendor/tabler/tabler.min.css.map": "@tabler/core/dist/css/tabler.min.css.map",  # hashing follows the style sheet
    "vendor/tabler/tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "vendor/tabler/tabler.min.js.map": "@tabler/core/dist/js/tabler.min.js.map",
    "vendor/inter/inter-latin-wght-normal.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "vendor/lightweight-charts/lightweight-charts.mjs": (
        "lightweight-charts/dist/lightweight-charts.standalone.production.mjs"
    ),
    "vendor/plotly/plotly-finance.min.js": "plotly.js-finance-dist-min/plotly-finance.min.js",
}
WHEEL_FILES = {
    "vendor/htmx/htmx.min.js": ("django_htmx", "static/django_htmx/htmx-4.min.js"),
    # Treemaps and heat maps are in no smaller bundle; pages with curves alone load the one above.
    "vendor/plotly/plotly.min.js": ("plotly", "package_data/plotly.min.js"),
}


def vendor_files(npm_root: Path) -> dict[str, Path]:
    """Return {public path: installed file}."""
    from_npm = {public: npm_root / source for public, source in NPM_FILES.items()}
    return from_npm | {public: _wheel_folder(name) / source for public, (name, source) in WHEEL_FILES.items()}


def _wheel_folder(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed", name=name)
    return Path(spec.origin).parent
