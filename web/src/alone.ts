// A replay as one file that needs no server: the page's script, and before it what answers in the server's place.
import "./page/kept.ts";
import "./view.ts";
