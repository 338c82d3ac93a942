"""Sphinx's settings for the site; `make site` (tools/site.py) gathers the pages and builds them."""

from netlab import __version__

project = "netlab"
author = "The netlab authors"
project_copyright = "The netlab authors. Code: MIT. Prose and pictures: CC BY 4.0"
release = version = __version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
]
root_doc = "index"
nitpicky = True
nitpick_ignore_regex = [
    # No inventory of another project is fetched: the site builds without a network.
    ("py:.*", r"(?!netlab\.).*"),
    # In signatures: types of modules that are not public, variables and aliases of types.
    ("py:.*", r"netlab\.(?:lab|transports|diagnosis)\..*"),
    ("py:class", r"netlab\.core\.(?:sends\.ClientId|\w+\.[A-Z]|history\._Kept)"),
]

# Notebooks: the stored outputs are the tested ones.
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # would come from another host
nb_number_source_lines = False
myst_enable_extensions = ["deflist", "attrs_inline"]  # no dollarmath: `$` is a shell's prompt
myst_heading_anchors = 3
myst_heading_slug_func = "tools.site.jupyter_slug"
myst_words_per_minute = 150
suppress_warnings = ["myst.header"]  # "### Warm-up" may follow an h1 of an appendix

# Docstrings: one backtick is code, as in Markdown.
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autosummary_generate = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = "netlab"
html_static_path = ["static"]
html_css_files = ["netlab.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "a11y-light"
pygments_dark_style = "a11y-dark"
