import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { type Progress, progressLine, Screen } from "./progress.ts";

const progress: Progress = {
	elapsedMs: 3_210,
	share: 0.476,
	members: [
		{ name: "a", partitions: [0, 3, 6] },
		{ name: "b", partitions: [] },
	],
	perSecond: 17_204.4,
	lag: 61_200n,
	secondsLeft: 6.04,
};

function written(isTTY: boolean, use: (screen: Screen) => void): string {
	const out = Object.assign(new PassThrough(), { isTTY, columns: 40 });
	use(new Screen(out));
	return String(out.read() ?? "");
}

describe("the progress line", () => {
	it("shows partitions per member, rate, lag and time left", () => {
		expect(progressLine(progress)).toBe("  3.2 s   47 %  a: 0 3 6 | b: -  17,204/s  lag 61,200  left 6.0 s");
	});

	it("shows what is unknown as unknown", () => {
		expect(progressLine({ ...progress, perSecond: undefined, lag: undefined, secondsLeft: undefined })).toMatch(
			/\?\/s {2}lag \? {2}left unknown$/,
		);
	});
});

describe("the screen", () => {
	it("rewrites one line of a terminal, no wider than it, and makes room for what stays", () => {
		const text = written(true, (screen) => {
			screen.show(progress);
			screen.say("b is killed");
			screen.say("d joins");
		});
		expect(text).toBe(`\r\u001B[2K${progressLine(progress).slice(0, 39)}\r\u001B[2Kb is killed\nd joins\n`);
	});

	it("writes a line a second elsewhere, without control characters", () => {
		const text = written(false, (screen) => {
			for (let elapsedMs = 0; elapsedMs <= 2_000; elapsedMs += 100) screen.show({ ...progress, elapsedMs });
		});
		expect(text.trimEnd().split("\n")).toHaveLength(3);
		expect(text).not.toContain("\u001B");
		expect(text).not.toContain("\r");
	});
});
