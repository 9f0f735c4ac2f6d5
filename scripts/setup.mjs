// Runs before `npm start` and `npm test`: installs the dependencies, and with them the Node that everything else runs on,
// where that has not been done. JavaScript, since the system's Node may not know TypeScript.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

if (!existsSync(join(root, "node_modules/.bin/node"))) {
	console.log("installing dependencies (npm ci)");
	const { status } = spawnSync("npm", ["ci"], { cwd: root, stdio: "inherit", shell: process.platform === "win32" });
	process.exitCode = status ?? 1;
}
