import { podinfoMain, runProgram } from "#cluster";

await runProgram(podinfoMain);
