"""The phone page: static files and the headers that keep them harmless. It knows nothing of the control API, which the
browser calls."""

from flask import Blueprint, Response, render_template

# No inline code, nobody else's files, no frames; and since strangers' words are shown here, the browser is told to
# refuse every attempt to parse a string as markup (the last two).
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

blueprint = Blueprint(
    "phone", __name__, template_folder="templates", static_folder="static", static_url_path="/phone/static"
)


@blueprint.get("/")
def page() -> str:
    """The same bytes for everybody: who and what is shown comes later, from the control API."""
    return render_template("phone.html")


@blueprint.after_request
def harden(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    # Asked for again each time (the answer is mostly 304), so that a page never mixes the files of two versions.
    response.headers["Cache-Control"] = "no-cache"
    return response
