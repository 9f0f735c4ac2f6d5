import { describe, expect, it } from "vitest";
import { parseNodes, SlotMap } from "./slot-map.ts";

/** As Redis 7.0.15 replies, each line from one node: a master asked, one that failed, its successor, a slot on its way. */
const NODES = `
07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:30004@31004,host-4 slave e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 0 1426238317239 4 connected
67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1 127.0.0.1:30002@31002 master,fail - 0 1426238316232 2 disconnected 5461-10922
292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f 127.0.0.1:30003@31003 master - 0 1426238318243 7 connected 5461-10922
e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca :30001@31001 myself,master - 0 0 1 connected 0-5459 5460 [93->-292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f]
6ec23923021cf3ffec47632106199cb7f496ce01 [::1]:30006@31006 handshake - 0 0 0 disconnected
824fe116063bc5fcf9f4ffd895bc17aee7731ac3 ::1:30005@31005 slave 292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f 0 1426238317741 7 connected`;

describe("a slot map", () => {
	const views = parseNodes(NODES, "asked");

	it("knows who serves what; where a node does not know its own address, the one asked stands in", () => {
		const map = new SlotMap(views);
		expect([0, 93, 5460, 5461, 10_922, 10_923].map((slot) => map.owner(slot))).toEqual([
			"asked:30001",
			"asked:30001",
			"asked:30001",
			"127.0.0.1:30003",
			"127.0.0.1:30003",
			undefined,
		]);
		expect([...map.masters].toSorted()).toEqual(["127.0.0.1:30003", "asked:30001"]);
		expect([...map.nodes.keys()].toSorted()).toEqual([
			"127.0.0.1:30002",
			"127.0.0.1:30003",
			"127.0.0.1:30004",
			"[::1]:30005",
			"asked:30001",
		]);
	});

	it("believes the newest epoch, whoever answers first", () => {
		const map = new SlotMap(views);
		expect(new SlotMap(views.toReversed()).equals(map)).toBe(true);
		const stale = parseNodes("67ed 127.0.0.1:30002@31002 myself,master - 0 0 2 connected 5461-10922", "asked");
		expect(new SlotMap([...views, ...stale]).equals(map)).toBe(true);
		const newer = parseNodes("67ed 127.0.0.1:30002@31002 myself,master - 0 0 8 connected 5461-10922", "asked");
		expect(new SlotMap([...views, ...newer]).owner(6000)).toBe("127.0.0.1:30002");
		expect(new SlotMap([...views, ...newer]).equals(map)).toBe(false);
	});

	it("of nonsense is empty", () => expect(new SlotMap(parseNodes("ERR what", "h")).masters.size).toBe(0));
});
