import { heyMain, runProgram } from "#cluster";

await runProgram(heyMain);
