import type { HistoryEvent } from "@polylog/conformance";
import { expect, it } from "vitest";
import { lostIn, withoutMessages } from "./loss.ts";

const sent = (id: string): HistoryEvent => ({ kind: "sent", at: 0, producer: "p", id, status: "ok", partition: "t/0", offset: 1n });
const place = { at: 1, member: "a", partition: "t/0", offset: 1n };
const started = (id: string, fence: bigint, group?: string): HistoryEvent => ({
	kind: "started",
	...place,
	...(group === undefined ? {} : { group }),
	id,
	fence,
	attempt: 1,
});

it("takes what is not found any more out of the history, handlers too, and leaves what has its place now", () => {
	const kept = [sent("new"), started("new", 2n), { kind: "finished", ...place, fence: 2n }, started("new", 1n, "fresh")] as HistoryEvent[];
	const gone = [sent("old"), started("old", 1n), { kind: "finished", ...place, fence: 1n }] as HistoryEvent[];
	const history = [...gone, ...kept];
	const lost = lostIn(history, "fresh");
	expect([...lost]).toEqual(["old"]);
	expect(withoutMessages(history, lost)).toEqual(kept);
});
