//! Chinese.

use super::{
    CapWords, Capture, ClampWords, LotWords, MethodWords, Named, RuleWhy, ShareWords, ShortWords, SpendStory,
    SplitWords, Tongue,
};
use fentan_engine::allocation::LotOrder;

/// The sentences in Chinese.
pub(super) struct Chinese;

const fn order_words(order: LotOrder) -> &'static str {
    match order {
        LotOrder::Fifo => "先用最早的批次",
        LotOrder::Lifo => "先用最新的批次",
        LotOrder::ExpiringFirst => "先用最早到期的批次",
        LotOrder::LargestFirst => "先用剩余最多的批次",
        LotOrder::ProRata => "所有批次按各自剩余的比例一起支付",
    }
}

impl Chinese {
    fn method(&self, method: &MethodWords) -> String {
        match method {
            MethodWords::LotRatio => "每个批次按其充值时的比例支付".into(),
            MethodWords::CurrentRatio => "各子余额按账户当时的比例支付".into(),
            MethodWords::Ordered(subs) => match subs.split_first() {
                Some((first, rest)) if !rest.is_empty() => format!("先用{first}，再用{}", rest.join("，再用")),
                _ => format!("只用{}", subs.join("")),
            },
            MethodWords::FixedRatio(weights) => {
                let weights: Vec<String> = weights.iter().map(|(name, weight)| format!("{name} {weight}")).collect();
                format!("各子余额按固定比例支付，{}", weights.join(" : "))
            }
            MethodWords::FixedAmount { sub, at_most, for_every, others } => {
                let per =
                    for_every.as_ref().map_or_else(|| "每笔消费".to_owned(), |every| format!("消费每满 {every}，"));
                format!("{per}{sub}最多支付 {at_most}，其余由{}支付", self.list(others))
            }
        }
    }

    fn lines(&self, lines: &[Named]) -> String {
        let lines: Vec<String> = lines.iter().map(|line| self.named(line)).collect();
        if lines.is_empty() { "无".into() } else { lines.join("，") }
    }

    fn because(because: &CapWords) -> String {
        match because {
            CapWords::Amount(most) => format!("规则上限为 {most}"),
            CapWords::Percent { percent, of, exact, down } if exact == down => {
                format!("规则上限为消费金额的 {percent}%，{of} 的 {percent}% 为 {down}")
            }
            CapWords::Percent { percent, of, exact, down } => {
                format!("规则上限为消费金额的 {percent}%，{of} 的 {percent}% 为 {exact}，向下取整为 {down}")
            }
            CapWords::MinimumOrder(least) => format!("消费满 {least} 才可使用"),
        }
    }
}

impl Tongue for Chinese {
    fn sub(&self, name: &str) -> String {
        match name {
            "principal" => "充值本金".into(),
            "bonus" => "赠送（返现）".into(),
            other => other.to_owned(),
        }
    }

    fn list(&self, items: &[String]) -> String {
        if items.is_empty() { "无".into() } else { items.join("、") }
    }

    fn named(&self, named: &Named) -> String {
        match &named.lot {
            None => format!("{} {}", named.name, named.amount),
            Some(lot) => format!("批次 {lot} 的{} {}", named.name, named.amount),
        }
    }

    fn rule(&self, rule: &str, why: &RuleWhy, method: &MethodWords, order: LotOrder) -> String {
        let why = match why {
            RuleWhy::Named => "由本笔消费指定".to_owned(),
            RuleWhy::Selector(selector) => format!("由选择条件 {selector} 选定"),
            RuleWhy::Product(product) => format!("产品 {product} 的默认规则"),
            RuleWhy::Recorded => "以记录为准，按现行配置会选用其他规则".to_owned(),
        };
        format!("分摊规则 {rule}，{why}：{}；{}。", self.method(method), order_words(order))
    }

    fn available(&self, subs: &[Named], all: &str, amount: &str) -> String {
        match subs {
            [] => format!("钱包没有可用余额；应付 {amount}。"),
            [one] => format!("钱包可用余额：{}；应付 {amount}。", self.named(one)),
            subs => {
                let subs: Vec<String> = subs.iter().map(|sub| self.named(sub)).collect();
                format!("钱包可用余额：{}，合计 {all}；应付 {amount}。", self.list(&subs))
            }
        }
    }

    fn capped(&self, sub: &str, at_most: &str, because: &[CapWords]) -> String {
        let because: Vec<String> = because.iter().map(Self::because).collect();
        let why = if because.is_empty() { String::new() } else { format!("：{}", because.join("；")) };
        format!("本笔消费中，{sub}最多支付 {at_most}{why}。")
    }

    fn ineligible(&self, sub: &str, most: Option<&str>) -> String {
        most.map_or_else(|| format!("{sub}不可用于本笔消费。"), |most| format!("{sub}最多可用于本笔消费中的 {most}。"))
    }

    fn below_minimum(&self, least: &str) -> String {
        format!("但该规则只适用于满 {least} 的消费，因此不支付。")
    }

    fn pro_rata(&self, sub: Option<&str>, amount: &str, left: &str) -> String {
        let of = sub.unwrap_or_default();
        format!("所有批次按各自{of}剩余的比例一起支付 {amount}，{of}剩余合计 {left}。")
    }

    fn lot_pays(&self, lot: &LotWords) -> String {
        let LotWords { lot: id, topped_up, ratio, came, consumed, left, pays, exact } = lot;
        let topped_up: Vec<String> = topped_up.iter().map(|part| self.named(part)).collect();
        let ratio = ratio.as_ref().map_or_else(String::new, |ratio| format!("，比例 {ratio}"));
        let came = came.as_ref().map_or_else(String::new, |came| format!("，其中 {came} 进入本钱包"));
        let exact = exact.as_ref().map_or_else(String::new, |exact| format!("（精确份额 {exact}）"));
        format!(
            "批次 {id}：充值时为{}{ratio}{came}；已消耗 {consumed}，剩余 {left}。由它支付 {pays}{exact}。",
            topped_up.join(" + ")
        )
    }

    fn split(&self, split: &SplitWords) -> String {
        let SplitWords {
            first, second, amount, fraction, exact, given, exact_target, target, stood, paid, rest, ..
        } = split;
        if split.whole {
            return format!(
                "{first}的精确份额：{amount} × {fraction} = {exact}。无需取整：{first}支付 {paid}，{second}支付 {rest}。"
            );
        }
        let ideal = format!(
            "{first}的精确份额：{amount} × {fraction} = {exact}。连同本笔，该批次共付出 {given}，其中{first}精确应为 \
             {exact_target}，四舍五入为 {target}；此前已付 {stood}"
        );
        match &split.clamp {
            None => format!("{ideal}，故{first}支付 {paid}，其余 {rest} 由{second}支付。"),
            Some(ClampWords::OwnShare) => format!(
                "{ideal}：该批次已偏离充值时的比例。单笔消费不弥补以前的偏差，故{first}按本笔自己的份额向比例一侧取整，支付 {paid}，其余 \
                 {rest} 由{second}支付。"
            ),
            Some(ClampWords::RanOut { group, left }) => {
                format!("{ideal}。但该批次的{group}只剩 {left}：{first}支付 {paid}，{second}支付 {rest}。")
            }
        }
    }

    fn cut(&self, sub: &str, lot: &str, amount: &str) -> String {
        format!("受上限约束，批次 {lot} 的{sub}少付 {amount}，留待补足。")
    }

    fn share(&self, share: &ShareWords) -> String {
        let ShareWords { sub, of, fraction, exact, share: rounded, whole, phase } = share;
        let ideal = format!("{sub}的精确份额：{of} × {fraction} = {exact}");
        let phase = phase.map_or_else(String::new, |(at, of)| {
            format!("（从以前消费停下的位置继续，即一个周期 {of} 个最小单位中的第 {at} 个，取整不会累计偏差）")
        });
        if *whole { format!("{ideal}。") } else { format!("{ideal}，取整为 {rounded}{phase}。") }
    }

    fn wants(&self, sub: &str, amount: &str, all: bool, open: Option<&str>) -> String {
        let all = if all { "，已是其全部可用" } else { "" };
        let open = open.map_or_else(|| "已无差额".to_owned(), |open| format!("尚差 {open}"));
        format!("{sub}支付 {amount}{all}；{open}。")
    }

    fn spilled(&self, sub: &str, amount: &str) -> String {
        format!("尚差部分由{sub}补足 {amount}。")
    }

    fn result(&self, lines: &[Named], sum: &str) -> String {
        format!("结果：{}；合计 {sum}。", self.lines(lines))
    }

    fn short(&self, payable: &str, amount: &str, missing: &str) -> String {
        format!("按此规则，{amount} 中只能找到 {payable}，尚缺 {missing}，因此不支付。")
    }

    fn short_sub(&self, short: &ShortWords) -> String {
        match short {
            ShortWords::All(named) => format!("{}可付出全部 {}。", named.name, named.amount),
            ShortWords::Capped(named) => format!("{}最多只能付出 {}。", named.name, named.amount),
            ShortWords::NotAsked { name, more } => format!("{name}还有 {more}，但规则不为本笔动用。"),
        }
    }

    fn short_spill(&self, spill: &[String]) -> String {
        if spill.is_empty() {
            "规则规定：一个子余额付不出的部分，不由其他子余额补足（拒绝）。".into()
        } else {
            format!("付不出的部分依次由{}补足；它们已没有更多可付。", spill.join("、"))
        }
    }

    fn spent(&self, story: &SpendStory) -> String {
        let SpendStory { spend, account, merchant, amount, currency, order, at } = story;
        let order = order.as_ref().map_or_else(String::new, |order| format!("，订单 {order}"));
        format!("消费 {spend}：{account} 于 {at} 向 {merchant} 支付 {amount} {currency}{order}。")
    }

    fn captured(&self, capture: &Capture) -> String {
        let Capture { hold, held, at, released, captured, to } = capture;
        format!(
            "它由冻结 {hold} 扣款而来：该冻结于 {at} 冻结 {held}，分摊行当时已固定。此前已释放 {released}；本次扣款 {captured}，为其中 \
             {released} 至 {to} 的部分，按其分摊行的比例支付。"
        )
    }

    fn asked_by(&self, token: &str) -> String {
        format!("由令牌 {token} 提交。")
    }

    fn refunded(&self, refunded: Option<(&str, &str)>) -> String {
        refunded.map_or_else(
            || "尚未退款。".to_owned(),
            |(back, left)| format!("至今已按这些分摊行退款 {back}，剩余 {left}。"),
        )
    }

    fn recorded(&self, rule: Option<&str>, lines: &[Named]) -> String {
        let rule = rule.map_or_else(String::new, |rule| format!("（规则 {rule}）"));
        format!("记录的分摊{rule}：{}。", self.lines(lines))
    }

    fn rebuilt(&self, records: u64, hold: bool) -> String {
        let before = if hold { "冻结" } else { "消费" };
        format!("用该账户的 {records} 条记录还原{before}前的钱包，按当时的规则重新分摊：")
    }

    fn agrees(&self, agrees: bool, now: &[Named]) -> String {
        if agrees {
            "记录与规则一致。".into()
        } else if now.is_empty() {
            "记录与规则不一致：按规则，钱包余额不足。".into()
        } else {
            format!("记录与规则不一致：按规则应为{}。", self.lines(now))
        }
    }

    fn rule_gone(&self, rule: &str) -> String {
        format!("无法给出步骤：现行规则中已没有 {rule}。以记录的分摊行为准。")
    }

    fn no_wallet(&self) -> String {
        "无法给出步骤：该账户此前的记录还原不出钱包。以记录的分摊行为准。".into()
    }

    fn too_far(&self, limit: u64) -> String {
        format!(
            "此处无法给出步骤：需要从日志第一条读起，而本服务器为一次溯源最多读 {limit} 条（explain_records）。`fentan explain` 会读全部。"
        )
    }

    fn trimmed(&self, first: u64) -> String {
        format!("无法给出步骤：日志从第 {first} 条开始，更早的记录已不在。")
    }
}
