import { expect, it } from "vitest";
import { VALUE_BYTES } from "./contender.ts";
import { Tally } from "./tally.ts";

const value = Buffer.alloc(VALUE_BYTES);
const standstill = () => ({ wallMs: 0, cpuMs: 0 });

it("takes the speed from the first delivery to the last, without what the first one brought", async () => {
	let instant = { wallMs: 100, cpuMs: 7 };
	const tally = new Tally(30, () => instant);
	tally.batch(Array.from({ length: 10 }, () => ({ value })));
	instant = { wallMs: 110, cpuMs: 8 };
	for (let i = 0; i < 20; i++) tally.message({ value });
	await tally.done;
	expect(tally.speed()).toEqual({ perSecond: 2000, cpuMicros: 50 });
});

it("gives no speed for messages that are missing, doubled or of another size", () => {
	const few = new Tally(2, standstill);
	few.message({ value });
	expect(few.full).toBe(false);
	expect(() => few.speed()).toThrow("got 1");
	few.batch([{ value }, { value }]);
	expect(() => few.speed()).toThrow("got 3");
	const short = new Tally(1, standstill);
	short.message({ value: value.subarray(1) });
	expect(() => short.speed()).toThrow("with 199 B");
});
