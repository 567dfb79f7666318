export { startHorizontalAutoscaler } from "./autoscale-controller.ts";
