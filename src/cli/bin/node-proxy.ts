import { nodeProxyMain, runProgram } from "#cluster";

await runProgram(nodeProxyMain);
