// Core's clock and randomness. Core lends them to drivers only, so the kit asks as a driver would: with an adapter that
// takes what it is lent and connects to nothing.
import { connect } from "@polylog/core";
import type { DriverContext } from "@polylog/core/driver";

async function borrow(): Promise<DriverContext> {
	let lent: DriverContext | undefined;
	const adapter = {
		name: "borrower",
		schemes: ["borrow"],
		create(_target: unknown, context: DriverContext): never {
			lent = context;
			throw new Error("nothing to connect to");
		},
	};
	await connect({ url: "borrow:", adapters: { borrow: adapter } }).catch(() => {});
	if (lent === undefined) throw new Error("core lent its drivers no clock");
	return lent;
}

export const { clock, random } = await borrow();
