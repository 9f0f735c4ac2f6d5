import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { standsStill } from "./stands-still.ts";

it("resolves when a stopped process answers no more, and soon for one that is gone", async () => {
	const program = 'process.stdin.on("data", () => process.stdout.write("x")); process.stdout.write("ready")';
	const child = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "pipe", "inherit"] });
	await once(child.stdout, "data");
	let answers = 0;
	child.stdout.on("data", () => answers++);
	child.kill("SIGSTOP");
	await standsStill(child.pid ?? 0);
	child.stdin.write("question");
	await new Promise((resolve) => setTimeout(resolve, 100));
	expect(answers).toBe(0);
	child.kill("SIGCONT");
	await expect.poll(() => answers, { timeout: 5000 }).toBe(1);
	child.kill("SIGKILL");
	await once(child, "exit");
	await standsStill(child.pid ?? 0);
});
