"""What is known about addresses: tracking parameters, hosts with rules of their own, redirectors.

Rules of this file: data only, a reason a line; a new site is a new line.
"""

from typing import NamedTuple

# Query parameters that say who sent the reader, never what is shown. A trailing `*` matches any ending.
TRACKING: dict[str, str] = {
    "utm_*": "Urchin and Google Analytics campaigns",
    "mtm_*": "Matomo campaigns",
    "matomo_*": "Matomo campaigns",
    "pk_*": "Piwik campaigns, Matomo's older name",
    "hsa_*": "HubSpot ads",
    "_hsenc": "HubSpot mail",
    "_hsmi": "HubSpot mail",
    "__hs*": "HubSpot visitors",
    "fbclid": "Facebook click",
    "fb_action_*": "Facebook actions",
    "fb_source": "Facebook actions",
    "fb_ref": "Facebook actions",
    "gclid": "Google Ads click",
    "gclsrc": "Google Ads click",
    "gbraid": "Google Ads click in apps",
    "wbraid": "Google Ads click in apps",
    "dclid": "DoubleClick click",
    "_ga": "Google Analytics client",
    "_gl": "Google Analytics linker",
    "msclkid": "Microsoft Advertising click",
    "yclid": "Yandex click",
    "ysclid": "Yandex search click",
    "_openstat": "Openstat",
    "twclid": "Twitter click",
    "ttclid": "TikTok click",
    "li_fat_id": "LinkedIn click",
    "igshid": "Instagram share",
    "igsh": "Instagram share",
    "mc_cid": "Mailchimp campaign",
    "mc_eid": "Mailchimp reader",
    "mkt_tok": "Marketo reader",
    "oly_anon_id": "Omeda reader",
    "oly_enc_id": "Omeda reader",
    "vero_*": "Vero reader",
    "wickedid": "Wicked Reports",
    "rb_clickid": "Rebrandly click",
    "s_cid": "Adobe Analytics campaign",
    "cmpid": "campaign, at several newspapers",
    "ns_campaign": "comScore campaign",
    "ns_mchannel": "comScore channel",
    "ns_source": "comScore source",
    "ncid": "campaign, at AOL and TechCrunch",
    "at_campaign*": "AT Internet campaign (BBC)",
    "at_medium": "AT Internet medium (BBC)",
    "at_custom*": "AT Internet details (BBC)",
    "xtor": "AT Internet, older",
    "spm": "Alibaba's page trail, used across Chinese sites",
    "spm_id_from": "Bilibili's page trail",
    "vd_source": "Bilibili's sharer",
    "share_source": "sharer, at Chinese apps",
    "share_medium": "sharer, at Chinese apps",
    "share_plat": "sharer, at Bilibili",
    "share_session_id": "sharer, at Bilibili",
    "share_tag": "sharer, at Bilibili",
    "share_token": "sharer, at Toutiao and Jianshu",
    "unique_k": "sharer, at Bilibili",
    "hmsr": "Baidu Tongji source",
    "hmpl": "Baidu Tongji placement",
    "hmcu": "Baidu Tongji creative",
    "hmkw": "Baidu Tongji keyword",
    "hmci": "Baidu Tongji item",
    "tdsourcetag": "Tencent's sending app",
    "isappinstalled": "WeChat tells whether its app is there",
    "nsukey": "WeChat's sharing key",
    "__twitter_impression": "Twitter's preview",
    "wt.mc_id": "Webtrends campaign",
    "wt_mc": "Webtrends campaign",
    "zanpid": "Awin click",
    "guccounter": "Yahoo's consent counter",
    "guce_referrer": "Yahoo's consent referrer",
    "guce_referrer_sig": "Yahoo's consent referrer",
}

# Parameters that track only when they say that a feed sent the reader (`?from=rss`).
FEED_MARKS: frozenset[str] = frozenset({"from", "f", "ref", "source", "src", "ftag"})
FEED_MARK_VALUES: frozenset[str] = frozenset(
    {"rss", "feed", "rssfeed", "rss_feed", "feedburner", "rsshub", "atom"}
)


class Host(NamedTuple):
    """What differs on one host.

    only     where the first of these parameters is present, no others matter
    drop     further parameters that track
    same_as  the host under which the same paths lie
    """

    only: tuple[str, ...] = ()
    drop: frozenset[str] = frozenset()
    same_as: str | None = None


# Keys are hosts in canonical form (no `www.`).
HOSTS: dict[str, Host] = {
    # An article is these four; the rest is session and sharing.
    "mp.weixin.qq.com": Host(only=("sn", "__biz", "mid", "idx")),
    # A video is its id; t, list, index, feature and si only say how it was reached.
    "youtube.com": Host(only=("v",)),
    "m.youtube.com": Host(only=("v",), same_as="youtube.com"),
    # Status addresses carry the sharing app.
    "twitter.com": Host(drop=frozenset({"s", "t", "ref_src", "ref_url"})),
    "mobile.twitter.com": Host(same_as="twitter.com"),
    "x.com": Host(same_as="twitter.com"),
    # Links in its own feeds say that they come from one.
    "medium.com": Host(drop=frozenset({"source", "sk"})),
    # Campaigns and sharing, of these papers only.
    "nytimes.com": Host(drop=frozenset({"partner", "emc", "smid", "smtyp", "smprod"})),
    "theguardian.com": Host(drop=frozenset({"cmp"})),
    "bloomberg.com": Host(drop=frozenset({"srnd", "sref"})),
    # Who shared it.
    "zhihu.com": Host(drop=frozenset({"utm_id", "share_code"})),
    "zhuanlan.zhihu.com": Host(drop=frozenset({"utm_id", "share_code"})),
    "bilibili.com": Host(drop=frozenset({"from_source", "from_spmid", "seid"})),
    "m.bilibili.com": Host(same_as="bilibili.com"),
    "weibo.com": Host(drop=frozenset({"refer_flag"})),
    # An article is its id; the rest says which Baidu page led there.
    "baijiahao.baidu.com": Host(only=("id",)),
    "reddit.com": Host(drop=frozenset({"ref", "ref_source", "share_id"})),
    "old.reddit.com": Host(same_as="reddit.com"),
    "np.reddit.com": Host(same_as="reddit.com"),
    # The same paths, laid out for phones.
    "m.facebook.com": Host(same_as="facebook.com"),
    "m.thepaper.cn": Host(same_as="thepaper.cn"),
    "m.huxiu.com": Host(same_as="huxiu.com"),
    "m.36kr.com": Host(same_as="36kr.com"),
    "m.jiemian.com": Host(same_as="jiemian.com"),
}

# Endings of hosts whose phone form holds a label `m` in the middle: en.m.wikipedia.org.
MOBILE_MIDDLE: frozenset[str] = frozenset({"wikipedia.org", "wiktionary.org", "wikinews.org"})

# Redirectors that carry the target in the address: host and path start -> parameters that may hold it.
REDIRECTORS: dict[tuple[str, str], tuple[str, ...]] = {
    ("link.juejin.cn", "/"): ("target",),
    ("link.juejin.im", "/"): ("target",),
    ("link.zhihu.com", "/"): ("target",),
    ("link.csdn.net", "/"): ("target",),
    ("jump.bdimg.com", "/"): ("url",),
    ("jianshu.com", "/go-wild"): ("url",),
    ("links.jianshu.com", "/go"): ("to",),
    ("oschina.net", "/action/GoToLink"): ("url",),
    ("my.oschina.net", "/action/GoToLink"): ("url",),
    ("gitee.com", "/link"): ("target",),
    ("sspai.com", "/link"): ("target",),
    ("c.pc.qq.com", "/"): ("pfurl", "url"),
    ("douban.com", "/link2/"): ("url",),
    ("infoq.cn", "/link"): ("target",),
    ("afdian.net", "/link"): ("target",),
    ("google.com", "/url"): ("q", "url"),
    ("google.com", "/aclk"): ("adurl",),
    ("news.google.com", "/news/url"): ("url",),
    ("l.facebook.com", "/l.php"): ("u",),
    ("lm.facebook.com", "/l.php"): ("u",),
    ("l.instagram.com", "/"): ("u",),
    ("youtube.com", "/redirect"): ("q",),
    ("steamcommunity.com", "/linkfilter/"): ("u", "url"),
    ("vk.com", "/away.php"): ("to",),
    ("out.reddit.com", "/"): ("url",),
    ("slack-redir.net", "/link"): ("url",),
    ("duckduckgo.com", "/l/"): ("uddg",),
    ("bing.com", "/news/apiclick.aspx"): ("url",),
}
