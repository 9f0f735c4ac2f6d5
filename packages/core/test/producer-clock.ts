// The manual clock, for tests of the producer: lets everything run that needs no time before and between timers.
import { ManualClock } from "./manual-clock.ts";

export class ProducerClock extends ManualClock {
	async settle(): Promise<void> {
		for (let turn = 0; turn < 5; turn++) await this.yield();
	}

	/** In steps, so that what a timer sets off has run before the next one fires. */
	override async advance(ms: number): Promise<void> {
		await this.settle();
		const step = Math.ceil(ms / 20);
		for (let left = ms; left > 0; left -= step) await super.advance(Math.min(step, left));
		await this.settle();
	}
}
