"""The screens in Chinese, and what the program says in English, to be looked up.

A screen of 128 x 64 dots shows five lines of ten full-width characters: no screen has more.
"""

LINES = 5
MONEY = "￥"
# Any number is 0, on both sides.
PHRASES = """
SALE=消费
CHARGE=消费
VOID=撤销
REFUND=退货
PRE-AUTH=预授权
PRE-AUTH CANCEL=预授权撤销
COMPLETION=预授权完成
COMPLETION NOTICE=预授权完成通知
COMPLETION VOID=预授权完成撤销
BALANCE=余额查询
STAN=凭证号
RRN=参考号
AUTH=授权码
AUTH CODE=授权码
DATE MMDD=日期 MMDD
READY=就绪
JOURNAL 0% FREE=流水剩余 0%
JOURNAL 0%: SYNC NOW=流水剩余0%: 请同步
JOURNAL 0%: SETTLE=流水剩余0%: 请结算
OLD TERMINAL: 0 OPEN=旧终端: 0笔未结
SQUARED=已平账
REFUND THE CUSTOMER=请退款给顾客
WRITTEN OFF=已核销
REJECTED=被拒
#0  BATCH 0=#0  批次 0
Bad amount=金额无效
Bad card number=卡号无效
Not enough money=余额不足
Card expired=卡已过期
Wrong PIN=密码错误
Not allowed here=本终端不允许
Over the limit=超过限额
Bank not reachable=发卡行无应答
Declined by the bank=发卡行拒绝
Declined 0=拒绝 0
Bad answer=应答无效
No balance given=应答无余额
Not answered=主机无应答
Sign-in refused=签到被拒绝
Sign-in not answered=签到无应答
connect: no answer=连接超时
connect: -0=找不到主机 (-0)
connect: [Errno 0] ECONNREFUSED=连接被拒绝 (0)
connect: [Errno 0] EHOSTUNREACH=网络不通 (0)
connect: [Errno 0] ECONNRESET=连接被断开 (0)
connect: [Errno 0] ECONNABORTED=连接被断开 (0)
connect: [Errno 0] ETIMEDOUT=连接超时 (0)
card is not an object=读卡出错
card number is not 0 to 0 digits=卡号不是0到0位数字
card number has a wrong check digit=卡号校验位错误
Encrypted card data=加密卡,暂不支持
card expiry is not YYMM=卡有效期无效
card entry mode is not 0 digits=输入方式不是0位数字
track 0 is not that of the card number=磁道0与卡号不符
chip data is not up to 0 bytes=芯片数据超过0字节
chip data has the card number in it=芯片数据含有卡号
chip data is not hexadecimal=芯片数据格式错误
Busy=正忙
Unfinished sale: wait=有未完成交易,请等候
No open batch=没有未结批次
Not at this host=主机不支持此交易
Nothing to print=没有可打印的小票
Slip not printed=有小票未打印
Batch is closing=正在结算
Stopped by host: sync=主机停用: 请同步
Settle the batch=请先结算
Open cases: sync=有未结案件: 请同步
Flash fault: restart=存储故障: 请重启
Journal full: sync=流水已满: 请同步
Amount differs=金额不一致
Not the pre-auth's=与预授权金额不同
Over the pre-auth=超过预授权金额
No original=未输入原交易
Original is locked=原交易已锁定
Original differs=与原交易不符
Another card=不是原交易的卡
No such original=没有此原交易
Already voided=已撤销
Program error=程序错误
MERCHANT=商户号
TERMINAL=终端号
CARD=卡号
BATCH=批次号
ORIGINAL=原凭证号
ORIG RRN=原参考号
ORIG AUTH=原授权码
TIME=时间
AMOUNT=金额
PART OF=申请金额
OF=原交易
DEBIT=借记
CREDIT=贷记
*** DUPLICATE ***=*** 重印 ***
REVERSED, NOT DONE=已冲正,交易未成功
THE HOST KNOWS NOTHING OF IT=主机无此交易
NOT CONFIRMED: OPEN CASE=未确认: 待查案件
BALANCED=对账平
UNBALANCED, UPLOADED=对账不平,已上送明细
NOT SETTLED (0): OPEN CASE=未结算 (0): 待查案件
NOT SETTLED (A0): OPEN CASE=未结算 (A0): 待查案件
"""
SCREENS = """
@starting
平账

正在启动...
@provision
终端未配置

请连接电脑并运行
companion provision
@idle
{0}

请输入金额
确认 = 菜单
{1}
@menu
1撤销   2退货   8余额
3预授权 4预授权撤销
5预授权完成 6完成通知
7预授权完成撤销 9结算
0重印 00案件 清除更多
@prompt
{0}
{1}
{2}

{3}位, 按确认
@amount
{1}

￥{0}

确认 = 下一步
@confirm
{1}

￥{0}

确认=是 取消=否
@sure
大额交易
￥{0}

请再次确认金额
确认=是 取消=否
@same
同卡同金额刚刚已批准
￥{0}
#{1}
再做一笔?
确认=是 清除=否
@card_only
{0}

请插卡或挥卡

取消 = 停止
@card
￥{0}

请插卡或挥卡

取消 = 停止
@connecting
￥{0}

正在连接...
@processing
￥{0}

正在处理...
请勿断电
@signing_in
正在签到...
@reversing
未完成交易
￥{0}
#{1}
正在冲正, 第{2}次
请稍候
@chip
￥{0}

请勿拔卡
@approved
已批准 {3}
￥{0}
参考号 {1}
授权码 {2}
@balance
余额

￥{0}
@declined
交易拒绝  {1}
￥{0}
{3}
{2}
交易未成功
@reversed
未扣款
￥{0}
#{1}
{3}
已冲正
@undone
未成功
￥{0}
#{1}
{3}
已冲正
@absent
未扣款
￥{0}
#{1}
{3}
主机无此交易 {2}
@suspended
待查案件
￥{0}
#{1}
结果未知, 请保留小票
并同步电脑
@waiting
未完成交易
￥{0}
#{1}
正在重试
完成前不能交易
@offline
无法连接

{0}
未发生扣款
@refused
不能交易

{0}
未发生扣款
@owed
交易批准, 小票未打印
￥{0}
#{1}
确认 = 重印
清除 = 不要
@last
上一笔: 已批准
￥{0}
#{1}
{2}
@settling
结算

批次 {0}
￥{1}
请稍候
@closing
结算

批次 {0}
尚未结完, 正在重试
完成前不能交易
@settled
结算完成

批次 {0}
￥{1}
{2}
@unsettled
未结算  {1}

批次 {0}
待查案件
请同步电脑
@cases
未结案件: {0}
{1}
确认 = 下一页
@verdict
{0}
#{1}  批次 {2}
{3}
确认 = 下一页
@fault
停止服务

{0}
数据没有丢失
请同步电脑
@escape
维护

串口已交给 REPL
@"""
