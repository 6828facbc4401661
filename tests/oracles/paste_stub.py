"""What stands in a paste file beside the CORS filter, in miniature."""

import webob
import webob.dec


def app(global_conf, **local_conf):
    """The application: it knows no OPTIONS, as Glance's router does not."""

    @webob.dec.wsgify
    def answer(request):
        return webob.Response(status=405 if request.method == "OPTIONS" else 204)

    return answer


def passed(global_conf, **local_conf):
    """A filter that changes nothing."""
    return lambda application: application


def auth(global_conf, **local_conf):
    """keystonemiddleware's auth_token, of a request without a token."""
    delayed = local_conf.get("delay_auth_decision", "false").lower() in ("true", "1", "yes", "on", "t", "y")

    def filtered(application):
        @webob.dec.wsgify
        def answer(request):
            return request.get_response(application) if delayed else webob.Response(status=401)

        return answer

    return filtered
