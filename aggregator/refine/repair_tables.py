"""What repairs look for: lazy images, pixels, advertisements, share bars; and what each note means.

Rules of this file: data only, a reason a line; a new habit of some site is a new line.
"""

# Attributes that hold the real address of an image, best first.
LAZY_SRC: dict[str, str] = {
    "data-src": "lazysizes, lozad, WeChat and most others",
    "data-original": "jQuery.lazyload, Chinese portals",
    "data-lazy-src": "WordPress (WP Rocket, Jetpack)",
    "data-actualsrc": "Zhihu",
    "data-original-src": "Jianshu",
    "data-lazyload": "Taobao, NetEase",
    "data-lazy": "slick",
    "data-echo": "echo.js",
    "data-ks-lazyload": "KISSY (Alibaba)",
    "data-hi-res-src": "magazine themes",
    "data-orig-file": "Jetpack carousel",
}
LAZY_SRCSET: dict[str, str] = {
    "data-srcset": "lazysizes",
    "data-lazy-srcset": "WordPress (WP Rocket, Jetpack)",
    "data-original-set": "jQuery.lazyload",
}
# Classes that say that `src` is only there until the real image comes.
LAZY_CLASSES = frozenset(
    {
        "lazy",
        "lazyload",
        "lazyloaded",
        "lazyloading",
        "lazy-load",
        "lazy-img",
        "lazyimg",
        "b-lazy",
        "lozad",
        "js-lazy",
    }
)
# Parts of addresses that hold the place of another image.
PLACEHOLDERS: dict[str, str] = {
    "placeholder": "says so",
    "/blank.": "says so",
    "/spacer.": "says so",
    "/transparent.": "says so",
    "/pixel.": "one dot",
    "1x1": "one dot",
    "/grey.gif": "jQuery.lazyload's example",
    "/loading.": "says so",
    "/lazy": "says so",
    "/s.gif": "one dot",
}

# Hosts (with those below them) and path starts of images that only count readers.
PIXELS: dict[tuple[str, str], str] = {
    ("feeds.feedburner.com", "/~"): "FeedBurner's counter and share bar",
    ("feedproxy.google.com", "/~"): "FeedBurner's counter",
    ("feeds.wordpress.com", "/1.0/"): "WordPress.com's share bar",
    ("stats.wordpress.com", "/"): "WordPress.com's counter",
    ("pixel.wp.com", "/"): "Jetpack's counter",
    ("feedsportal.com", "/"): "a closed ad network",
    ("google-analytics.com", "/"): "Google Analytics",
    ("googletagmanager.com", "/"): "Google Tag Manager",
    ("doubleclick.net", "/"): "Google's advertisements",
    ("scorecardresearch.com", "/"): "comScore",
    ("quantserve.com", "/pixel"): "Quantcast",
    ("medium.com", "/_/stat"): "Medium's counter",
    ("substack.com", "/o/"): "Substack's counter",
    ("list-manage.com", "/track/open"): "Mailchimp's counter",
    ("sendgrid.net", "/wf/open"): "SendGrid's counter",
    ("facebook.com", "/tr?"): "Facebook's pixel",
    ("hm.baidu.com", "/"): "Baidu Tongji",
    ("cnzz.com", "/"): "CNZZ",
    ("counter.theconversation.com", "/"): "The Conversation's counter",
    ("pixel.propublica.org", "/"): "ProPublica's counter",
    ("buysellads.com", "/"): "an ad network",
}
# The same by name of the program, on any host.
PIXEL_PROGRAMS: dict[str, str] = {"/piwik.php?": "Matomo's counter", "/matomo.php?": "Matomo's counter"}

# Classes and ids of boxes that are no part of the text; the box goes with all that is in it.
BOXES: dict[str, str] = {
    "adsbygoogle": "Google AdSense",
    "google-auto-placed": "Google AdSense",
    "ad-slot": "an advertisement",
    "ad-container": "an advertisement",
    "ad-wrapper": "an advertisement",
    "advertisement": "an advertisement",
    "code-block-ad": "an advertisement",
    "sharedaddy": "share bar of Jetpack",
    "jp-relatedposts": "other articles, by Jetpack",
    "addtoany_share_save_container": "share bar of AddToAny",
    "addtoany_content": "share bar of AddToAny",
    "addthis_toolbox": "share bar of AddThis",
    "sharethis-inline-share-buttons": "share bar of ShareThis",
    "shareaholic-canvas": "share bar of Shareaholic",
    "heateor_sss_sharing_container": "share bar of Sassy Social Share",
    "bdsharebuttonbox": "share bar of Baidu",
    "social-share": "share bar",
    "share-buttons": "share bar",
    "social-buttons": "share bar",
    "post-share": "share bar",
    "feedflare": "share bar of FeedBurner",
    "mc4wp-form": "a form to subscribe to mail",
    "subscription-widget-wrap": "a form to subscribe to mail, at Substack",
    "subscription-widget-wrap-editor": "the same",
    "wp-block-jetpack-subscriptions": "a form to subscribe to mail",
    "yarpp": "other articles, by YARPP",
    "yarpp-related": "other articles, by YARPP",
    "wp-polls": "a form",
    "screen-reader-shortcut": "a link within a page that is not here",
    "skip-link": "a link within a page that is not here",
}

# Last paragraphs that WordPress adds to every entry: what stands before, between and after two links.
CLOSINGS: dict[tuple[str, str, str], str] = {
    ("The post ", " appeared first on ", "."): "English",
    ("The post ", " first appeared on ", "."): "English, older",
    ("Der Beitrag ", " erschien zuerst auf ", "."): "German",
    ("L’article ", " est apparu en premier sur ", "."): "French",
    ("La entrada ", " se publicó primero en ", "."): "Spanish",
    ("La entrada ", " aparece primero en ", "."): "Spanish, older",
    ("L'articolo ", " proviene da ", "."): "Italian",
    ("O post ", " apareceu primeiro em ", "."): "Portuguese",
    ("", "最先出现在", "。"): "Chinese",
    ("投稿 ", " は ", " に最初に表示されました。"): "Japanese",
    ("Сообщение ", " появились сначала на ", "."): "Russian",
}

# What `Refined.notes` says, for people.
NOTES: dict[str, str] = {
    "address": "an address that is no web address was taken out",
    "box": "an advertisement, share bar or form was taken out",
    "closing": "a closing line that the site's program adds was taken out",
    "cut-attributes": "elements with very many attributes lost some",
    "cut-depth": "elements nested very deep were taken out; their text stayed",
    "cut-size": "the end of a very long body was cut off",
    "date-future": "a date in the future was taken as unknown",
    "empty": "empty paragraphs were taken out",
    "excerpt": "only the beginning is republished, as the settings say",
    "frame-gone": "a frame without an address was taken out",
    "frame-link": "a frame that is no known player became a link",
    "full-text": "the text is that of the page, as the settings say",
    "language-guessed": "the language was guessed from the text",
    "lazy-image": "an image that a script would have loaded was made real",
    "no-image": "an image without an address was taken out",
    "pixel": "an image that only counts readers was taken out",
    "player": "a player stays, in a sandbox",
    "proxy": "a proxy in front of an address was taken off",
    "redirect": "a link through a redirector leads to its target",
    "text-only": "markup that no parser reads twice alike became plain text",
    "tracking": "tracking parameters were taken off links",
    "twin": "a second copy of a lazy image was taken out",
}
