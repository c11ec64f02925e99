"""What HTML may hold when it leaves this program: one allow-list, a reason a line.

Rules of this file: data only. `html` applies it with nh3; what is not named here goes. Of an
element that goes the content stays, unless it is named in `DROPPED_WITH_CONTENT`.
"""

# Groups of elements, and why each is allowed.
ELEMENTS: dict[str, str] = {
    "p br hr wbr div span": "the text itself",
    "h1 h2 h3 h4 h5 h6 hgroup": "headings",
    "article section header footer main nav aside address": "the outline of a page; harmless boxes",
    "ul ol li dl dt dd menu dir": "lists",
    "blockquote q cite": "quotations",
    "pre code kbd samp var tt": "code",
    "a": "links; the address is checked",
    "b strong i em u s strike del ins mark small big sub sup abbr acronym dfn font center": "how words look",
    "time data bdi bdo": "what words are",
    "ruby rb rt rtc rp": "readings above Chinese and Japanese characters",
    "table caption colgroup col thead tbody tfoot tr th td": "tables",
    "figure figcaption img picture source map area": "images; every address is checked",
    "audio video track": "sound and film; every address is checked",
    "details summary": "text that opens",
    "iframe": "players of the hosts in PLAYERS; others become a link",
    "math mi mn mo ms mtext mspace mrow mfrac msqrt mroot mstyle mpadded mphantom": "formulas (MathML Core)",
    "msub msup msubsup munder mover munderover mtable mtr mtd": "formulas (MathML Core)",
}

# Elements whose content is no text of the article.
DROPPED_WITH_CONTENT: dict[str, str] = {
    "script style template": "programs and style sheets",
    "title": "a page's title within the body names the page, not the text",
    "svg": "can hold scripts, links and style sheets; text in it is part of a drawing",
    "object applet embed frameset": "programs of plug-ins",
    "noembed noframes": "what no browser of today shows",
    "select datalist option optgroup button": "form controls do nothing here; the text of a textarea stays",
    "annotation annotation-xml": "sources of formulas, and a door between namespaces",
    "head": "what a whole page says of itself",
}

# Names that nh3 takes away with all that follows in them where they are no formula or drawing, as they mean
# something only there. In HTML they are what an author did not escape (`vector<int>`) or made up (`<text>`).
# Not `desc`: what is in it is HTML even in a drawing.
FOREIGN: dict[str, str] = {
    "abs and apply approx arccos arg bind bvar card cartesianproduct cbytes ceiling cerror ci cn": "MathML",
    "codomain complexes compose condition conjugate cos csymbol curl declare degree determinant": "MathML",
    "diff divergence divide domain emptyset eq equivalent eulergamma exists exp factorial false": "MathML",
    "floor fn forall gcd geq grad gt ident imaginary implies in infinity int integers intersect": "MathML",
    "interval inverse lambda laplacian lcm leq limit list ln log logbase lowlimit lt maction": "MathML",
    "maligngroup malignmark matrix matrixrow max mean median menclose merror mfenced mglyph min": "MathML",
    "minus mlabeledtr mlongdiv mmultiscripts mode moment mprescripts mscarries msgroup msline": "MathML",
    "msrow mstack naturalnumbers neq none not notanumber notin notprsubset notsubset or otherwise": "MathML",
    "outerproduct partialdiff pi piece piecewise plus power primes product prsubset quotient": "MathML",
    "rationals real reals rem reln root scalarproduct sdev sec selector semantics sep set setdiff": "MathML",
    "share sin subset sum tan tendsto times transpose true union uplimit variance vector": "MathML",
    "vectorproduct xor": "MathML",
    "animate circle defs discard ellipse filter g line marker mask metadata mpath path pattern": "SVG",
    "polygon polyline rect stop switch symbol text tspan use view": "SVG",
}

# Attributes that any element may have. `data-*` and `aria-*` join them.
EVERYWHERE: dict[str, str] = {
    "class": "kept for the reader's own style sheet",
    "id": "targets of links within the article",
    "style": "only the declarations in STYLES",
    "title": "text on hovering",
    "lang": "language",
    "dir": "writing direction",
    "align": "old layout, harmless",
    "valign": "old layout, harmless",
    "width": "size",
    "height": "size",
    "role": "what it is to a screen reader",
    "hidden": "what the author hid stays hidden",
    "itemprop": "what the text is (schema.org)",
    "itemscope": "same",
    "itemtype": "same; a name, never fetched",
    "translate": "whether machines should translate it",
    "xmlns": "no meaning in HTML; seen in old archives",
}
PREFIXES: dict[str, str] = {
    "data-": "lets themes and scripts of the blog find things; inert by itself",
    "aria-": "for screen readers",
}

# Attributes of single elements.
ATTRIBUTES: dict[str, dict[str, str]] = {
    "a": {
        "href": "the address",
        "target": "opens another window; safe with the rel that is added",
        "hreflang": "language of the target",
        "name": "old targets of links",
        "type": "media type of the target",
        "download": "suggests a file name",
        "referrerpolicy": "whether the address of the page is told",
    },
    "area": {"href": "the address", "shape": "shape", "coords": "shape", "alt": "text", "target": "window"},
    "audio": {
        "src": "the sound",
        "controls": "buttons",
        "loop": "again and again",
        "muted": "silent",
        "preload": "how much to fetch ahead",
    },
    "blockquote": {"cite": "where it is from"},
    "col": {"span": "columns"},
    "colgroup": {"span": "columns"},
    "data": {"value": "the value"},
    "del": {"cite": "why", "datetime": "when"},
    "details": {"open": "shown at first"},
    "font": {"color": "old style", "face": "old style", "size": "old style"},
    "hr": {"size": "old style", "noshade": "old style", "color": "old style"},
    "iframe": {
        "src": "the player",
        "allowfullscreen": "players are watched large",
        "frameborder": "old style",
        "scrolling": "old style",
        "loading": "fetch late",
        "referrerpolicy": "whether the address of the page is told",
    },
    "img": {
        "src": "the image",
        "srcset": "the image in other sizes",
        "sizes": "which of them",
        "alt": "text in its stead",
        "loading": "fetch late",
        "decoding": "draw late",
        "referrerpolicy": "many hosts refuse requests that carry a referrer",
        "border": "old style",
        "hspace": "old style",
        "vspace": "old style",
        "usemap": "areas within it",
        "ismap": "areas within it",
        "crossorigin": "some hosts ask for it",
        "fetchpriority": "fetch early",
    },
    "ins": {"cite": "why", "datetime": "when"},
    "li": {"value": "number", "type": "numerals"},
    "map": {"name": "what usemap names"},
    "math": {"display": "block or inline", "alttext": "text in its stead"},
    "mfrac": {"linethickness": "stroke"},
    "mi": {"mathvariant": "letters"},
    "mo": {
        "stretchy": "shape",
        "fence": "shape",
        "form": "place",
        "accent": "place",
        "lspace": "room",
        "rspace": "room",
        "largeop": "size",
        "movablelimits": "place",
        "separator": "place",
    },
    "mover": {"accent": "place"},
    "mstyle": {"displaystyle": "size", "scriptlevel": "size", "mathvariant": "letters"},
    "mtable": {"columnalign": "layout", "rowspacing": "layout", "columnspacing": "layout"},
    "mtd": {"colspan": "cells", "rowspan": "cells", "columnalign": "layout"},
    "munder": {"accentunder": "place"},
    "ol": {"start": "first number", "reversed": "counts down", "type": "numerals"},
    "q": {"cite": "where it is from"},
    "source": {
        "src": "the sound or film",
        "srcset": "the image",
        "sizes": "which of them",
        "media": "for which screens",
        "type": "media type",
    },
    "table": {
        "border": "old style",
        "cellpadding": "old style",
        "cellspacing": "old style",
        "bgcolor": "old style",
        "frame": "old style",
        "rules": "old style",
        "summary": "text for screen readers",
    },
    "td": {
        "colspan": "cells",
        "rowspan": "cells",
        "headers": "for screen readers",
        "bgcolor": "old style",
        "nowrap": "old style",
        "scope": "for screen readers",
        "abbr": "for screen readers",
    },
    "th": {
        "colspan": "cells",
        "rowspan": "cells",
        "headers": "for screen readers",
        "bgcolor": "old style",
        "nowrap": "old style",
        "scope": "for screen readers",
        "abbr": "for screen readers",
    },
    "time": {"datetime": "when"},
    "tr": {"bgcolor": "old style"},
    "track": {
        "src": "subtitles",
        "kind": "what they are",
        "srclang": "their language",
        "label": "their name",
        "default": "shown at first",
    },
    "ul": {"type": "bullets"},
    "video": {
        "src": "the film",
        "poster": "the image before it",
        "controls": "buttons",
        "loop": "again and again",
        "muted": "silent",
        "playsinline": "stays in the page on phones",
        "preload": "how much to fetch ahead",
    },
}

# Attributes that hold one address. All are made absolute; all but `cite` are fetched or followed.
ADDRESSES = frozenset({"href", "src", "poster", "cite", "background", "longdesc"})
# Elements that only fetch: `mailto:` has no place there.
FETCHING = frozenset({"img", "source", "audio", "video", "track", "iframe"})

SCHEMES: dict[str, str] = {
    "http": "the web",
    "https": "the web",
    "mailto": "an address to write to, in links only",
}
# `data:` addresses that are let through, in `img src` only: pictures made of dots, which hold no script.
RASTER_TYPES = ("png", "jpeg", "jpg", "gif", "webp", "avif", "bmp", "x-icon", "vnd.microsoft.icon")
MAX_DATA = 500_000

# Style properties that cannot leave the box that holds them, load anything, or cover other text.
# Not among them are visibility and opacity: pages hide their text with these until a script has run (WeChat).
STYLES: dict[str, str] = {
    "color background-color": "colours",
    "background": "a colour only: values with an address are dropped",
    "font font-family font-size font-style font-weight font-variant font-stretch": "letters",
    "line-height letter-spacing word-spacing text-indent text-align text-align-last": "lines",
    "text-decoration text-decoration-line text-decoration-color text-decoration-style": "lines under letters",
    "text-transform text-justify text-overflow text-underline-offset": "letters",
    "white-space word-break word-wrap overflow-wrap line-break hyphens": "where lines break",
    "vertical-align direction unicode-bidi writing-mode text-orientation": "where letters stand",
    "ruby-position ruby-align": "readings",
    "margin margin-top margin-right margin-bottom margin-left": "room around; never negative",
    "padding padding-top padding-right padding-bottom padding-left": "room within",
    "border border-top border-right border-bottom border-left": "edges",
    "border-color border-style border-width": "edges",
    "border-top-color border-right-color border-bottom-color border-left-color": "edges",
    "border-top-style border-right-style border-bottom-style border-left-style": "edges",
    "border-top-width border-right-width border-bottom-width border-left-width": "edges",
    "border-radius border-collapse border-spacing caption-side empty-cells table-layout": "edges and tables",
    "width height min-width min-height max-width max-height aspect-ratio box-sizing": "size",
    "object-fit object-position": "images in their box",
    "display float clear overflow overflow-x overflow-y": "boxes",
    "flex flex-direction flex-wrap flex-grow flex-shrink flex-basis flex-flow": "boxes side by side",
    "justify-content align-items align-self align-content gap row-gap column-gap order": "boxes side by side",
    "columns column-count column-width column-rule column-fill": "columns",
    "list-style list-style-type list-style-position": "bullets; values with an address are dropped",
    "break-before break-after break-inside page-break-before page-break-after page-break-inside": "printing",
    "widows orphans": "printing",
}
# Functions that may stand in a style value; every other function is dropped with its declaration.
STYLE_FUNCTIONS = frozenset(
    {"rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch", "calc", "min", "max", "clamp"}
)
# Properties for which a negative value moves things out of their box.
NO_NEGATIVES = ("margin", "text-indent", "letter-spacing", "word-spacing", "order")
MAX_STYLE = 4_000

# Hosts of players that may stand in a frame, with every host below them.
PLAYERS: dict[str, str] = {
    "youtube.com": "YouTube",
    "youtube-nocookie.com": "YouTube",
    "player.vimeo.com": "Vimeo",
    "player.bilibili.com": "Bilibili",
    "dailymotion.com": "Dailymotion",
    "player.youku.com": "Youku",
    "v.qq.com": "Tencent Video",
    "open.iqiyi.com": "iQIYI",
    "tv.sohu.com": "Sohu",
    "open.spotify.com": "Spotify",
    "embed.podcasts.apple.com": "Apple Podcasts",
    "embed.music.apple.com": "Apple Music",
    "w.soundcloud.com": "SoundCloud",
    "bandcamp.com": "Bandcamp",
    "music.163.com": "NetEase Cloud Music",
    "player.twitch.tv": "Twitch",
    "clips.twitch.tv": "Twitch",
    "archive.org": "Internet Archive",
    "ted.com": "TED",
    "embed.acast.com": "Acast",
    "player.captivate.fm": "Captivate",
    "player.simplecast.com": "Simplecast",
    "share.transistor.fm": "Transistor",
    "players.brightcove.net": "Brightcove",
    "peertube.tv": "PeerTube",
    "embed.nicovideo.jp": "Niconico",
}
# What a player may do: run its own program in its own origin, go full screen, open its own site.
SANDBOX = "allow-scripts allow-same-origin allow-popups allow-presentation"

LINK_REL = "noopener noreferrer"
