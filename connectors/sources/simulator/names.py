"""The words of the simulated world: people, companies, regions, products, reasons. Data only, no logic."""

from __future__ import annotations

SURNAMES = (
    ("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"),
    ("赵", "zhao"),
    ("黄", "huang"), ("周", "zhou"), ("吴", "wu"), ("徐", "xu"), ("孙", "sun"), ("胡", "hu"), ("朱", "zhu"),
    ("高", "gao"), ("林", "lin"), ("何", "he"), ("郭", "guo"), ("马", "ma"), ("罗", "luo"), ("梁", "liang"),
    ("宋", "song"), ("郑", "zheng"), ("谢", "xie"), ("韩", "han"), ("唐", "tang"), ("欧阳", "ouyang"),
)  # fmt: skip

GIVEN = (
    ("伟", "wei"), ("芳", "fang"), ("娜", "na"), ("敏", "min"), ("静", "jing"), ("丽", "li"), ("强", "qiang"),
    ("磊", "lei"), ("军", "jun"), ("洋", "yang"), ("勇", "yong"), ("艳", "yan"), ("杰", "jie"), ("涛", "tao"),
    ("明", "ming"), ("超", "chao"), ("秀兰", "xiulan"), ("霞", "xia"), ("平", "ping"), ("刚", "gang"),
    ("桂英", "guiying"), ("思远", "siyuan"), ("雨桐", "yutong"), ("浩然", "haoran"), ("子涵", "zihan"),
    ("佳怡", "jiayi"), ("志强", "zhiqiang"), ("晓东", "xiaodong"), ("海燕", "haiyan"), ("建国", "jianguo"),
)  # fmt: skip

REGIONS = ("华东", "华南", "华北", "西南", "华中", "东北")
"""Sales regions in the order in which an organisation opens them."""

CITIES = {
    "华东": ("上海", "杭州", "苏州", "南京", "宁波"),
    "华南": ("深圳", "广州", "东莞", "厦门", "佛山"),
    "华北": ("北京", "天津", "石家庄", "太原", "济南"),
    "西南": ("成都", "重庆", "昆明", "贵阳", "绵阳"),
    "华中": ("武汉", "长沙", "郑州", "南昌", "合肥"),
    "东北": ("沈阳", "大连", "长春", "哈尔滨", "吉林"),
}

BRANDS_A = (
    "恒",
    "瑞",
    "华",
    "中",
    "鼎",
    "信",
    "天",
    "远",
    "博",
    "创",
    "金",
    "新",
    "联",
    "安",
    "百",
    "嘉",
    "盛",
    "启",
)
BRANDS_B = (
    "达",
    "通",
    "科",
    "泰",
    "源",
    "诚",
    "康",
    "润",
    "航",
    "芯",
    "能",
    "腾",
    "宇",
    "辉",
    "丰",
    "捷",
    "和",
    "力",
)

INDUSTRIES = (
    ("制造", "机械"), ("医疗", "医疗器械"), ("零售", "商贸"), ("能源", "能源"), ("软件", "信息技术"),
    ("汽车", "汽车零部件"), ("电子", "电子"), ("化工", "化工"), ("物流", "物流"), ("教育", "教育科技"),
)  # fmt: skip
"""(industry, the word for it in company names)."""

SIZES = ("micro", "small", "medium", "large", "enterprise")
CHANNELS = ("直销", "渠道", "电商", "集成商")
LEAD_SOURCES = ("展会", "官网", "老客户介绍", "电话营销", "搜索广告", "公众号")
CAMPAIGNS = ("春季展", "新品发布会", "行业白皮书", "渠道大会", "年终促销")
PRODUCTS = ("P-100", "P-200", "P-300", "S-BASIC", "S-PLUS", "IMPL", "TRAIN")
PROJECTS = (
    "产线数据采集",
    "仓储升级",
    "ERP 二期",
    "质量追溯",
    "设备联网",
    "门店改造",
    "实验室扩建",
    "数据中台",
)
COMPETITORS = ("金石", "北辰", "海拓", "云图")
STRATEGIES = ("顾问式", "关系型", "价格优先", "样板客户")
LOSS_REASONS = ("价格", "竞争对手", "预算取消", "需求变化", "没有决策人", "长期无跟进")
DISQUALIFIED = ("无需求", "无预算", "联系不上", "非目标客户", "重复线索")
OUTCOMES = ("有兴趣", "需要再联系", "要求报价", "暂无预算", "约定拜访", "无人接听")
TITLES = ("采购经理", "IT 总监", "生产总监", "财务经理", "总经理")
PAYMENT_METHODS = ("bank_transfer", "bank_transfer", "bank_transfer", "acceptance_bill", "cheque")
