import { expect, it, vi } from "vitest";
import { systemClock } from "./clock.ts";

it.each([-115, 0])("fires soon, and without a warning of Node's, after %i ms", async (delayMs) => {
	const warned = vi.spyOn(process, "emitWarning");
	await new Promise<void>((resolve) => systemClock.after(delayMs, resolve));
	expect(warned).not.toHaveBeenCalled();
	warned.mockRestore();
});

it("does not fire at once after longer than Node's timers can wait", async () => {
	const fired = vi.fn<() => void>();
	const cancel = systemClock.after(2 ** 40, fired);
	await new Promise<void>((resolve) => systemClock.after(20, resolve));
	cancel();
	expect(fired).not.toHaveBeenCalled();
});
