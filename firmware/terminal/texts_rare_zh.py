"""Screens in Chinese that few ever see, and their phrases. See texts_rare_en.py, texts_zh.py."""

PHRASES = """
*** TRAINING ***=*** 培训模式 ***
TRAINING=培训
ENTER, CLEAR, 0: END=确认,清除,0: 结束
JOURNAL=流水存储
SYNC=同步
NETWORK=网络
TERMINAL=终端
TIME=时间
Used 0 of 0=已用 0/0
Free 0%=剩余 0%
Next erase in 0=再写0条后擦除
Read-only=只读
Next record 0=下一条 0
Not synced 0=未同步 0 条
No sync since start=开机后未同步
Companion 0 s ago=0 秒前同步
Companion 0 min ago=0 分钟前同步
Companion 0 h ago=0 小时前同步
Companion 0 d ago=0 天前同步
Cases 0, unfinished 0=案件 0, 未完成 0
Batch 0: 0=批次 0: 0 笔
Wi-Fi connected=Wi-Fi 已连接
Wi-Fi not connected=Wi-Fi 未连接
Host not reached yet=尚未连接主机
Host 0 s ago=0 秒前连通主机
Host 0 min ago=0 分钟前连通主机
Host 0 h ago=0 小时前连通主机
Host 0 d ago=0 天前连通主机
Host 0 s ago, lost=0 秒前通,现不通
Host 0 min ago, lost=0 分钟前通,现不通
Host 0 h ago, lost=0 小时前通,现不通
Host 0 d ago, lost=0 天前通,现不通
Clock not set=时钟未设置
Up 0 d 0:0=已运行 0天 0:0
Start 0: PWRON=第 0 次: 上电
Start 0: HARD=第 0 次: 复位
Start 0: SOFT=第 0 次: 软复位
Start 0: WDT=第 0 次: 看门狗
Start 0: OTHER=第 0 次: 其他
Heap free 0 KB=内存剩余 0 KB
Firmware 0.0.0=固件 0.0.0
starting=部件启动中
no paper=打印机缺纸
printer does not answer=打印机无应答
card reader does not answer=读卡器无应答
card reader does not start=读卡器无法启动
card reader keeps its antenna off=读卡器天线未开
card reader has another version=读卡器版本不符
card reader: no answer=读卡器无应答
card reader: no ACK=读卡器无应答
card reader: no start code=读卡器通信错误
card reader: wrong length checksum=读卡器通信错误
card reader: wrong checksum=读卡器通信错误
card reader: not the answer=读卡器通信错误
card reader: [Errno 0] ENODEV=读卡器未连接 (0)
card reader bus: [Errno 0] ENODEV=读卡器未连接 (0)
card reader: [Errno 0] ETIMEDOUT=读卡器总线超时 (0)
card reader bus: [Errno 0] ETIMEDOUT=读卡器总线超时 (0)
touch panel: [Errno 0] ENODEV=触摸屏未连接 (0)
touch panel: [Errno 0] ETIMEDOUT=触摸屏总线超时 (0)
Unfinished or a case=有未完成交易或案件
0 not synced=还有 0 条未同步
"""
SCREENS = """
@more
1运行状态
2培训
9恢复出厂设置
0未结案件
取消 = 返回
@health
{0}
{1}
@erase
恢复出厂设置
流水,密钥,配置将清除
输入73738后按确认
{0}
取消 = 不要
@resetting
恢复出厂设置

正在清除...
请勿断电
@kept
不能恢复出厂设置

{0}

没有清除任何数据
@practice
培训

正在重新启动...
@practice_menu
1撤销 2退货
3预授权 4预授权撤销
5预授权完成 6完成通知
7预授权完成撤销 9结算
8余额 0重印 清除更多
@practice_more
2结束培训

取消 = 返回
@untrained
不能进行

培训中不可用
@trained
结算
未发生扣款
练习 {0} 笔
￥{1}
@safe
安全模式
多次异常退出
请关机再开机
查看日志:
companion log
@"""
