// A real browser without a screen: the one that is installed, else Debian's.
import { type Browser, chromium } from "playwright-core";
import { findProgram, installFromDebian } from "./brokers/debian.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** On Debian, root installs it, after saying so; elsewhere this rejects with what to do. */
export async function startChromium(): Promise<Browser> {
	const find = () => NAMES.map((name) => findProgram(name)).find((file) => file !== undefined);
	await installFromDebian(
		["chromium"],
		() => find() === undefined,
		"there is no Chromium: install chromium, or run the tests as root on Debian",
	);
	// Root has no sandbox; what is opened here is a file that the test has just made.
	return chromium.launch({ executablePath: find() ?? "chromium", args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
}
