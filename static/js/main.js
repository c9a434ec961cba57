/** What every page runs. A page with a price chart or plots also loads what they need by its own script block. */

import { startDialogs } from "./dialog.js";
import { startExpiries } from "./expiry.js";
import { startForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startPlots } from "./plot.js";
import { startSearch } from "./search.js";
import { startTables } from "./table.js";
import { startTime } from "./time.js";
import { startToasts } from "./toast.js";

startToasts();
startDialogs();
startKeys();
startSearch();
startForms();
startExpiries();
startTables();
startTime();
startPlots();
startLive();
