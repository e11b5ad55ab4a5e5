import { install } from "./api.js";

install();
