/** What a browser draws and plays a little differently on each kind of machine. Nothing is where it refuses. */

/** @param {number} width @param {number} height */
function board(width, height) {
  const made = document.createElement("canvas");
  made.width = width;
  made.height = height;
  return made;
}

/** @returns {string} A picture of text, a gradient and a curve. */
export function canvas() {
  try {
    const made = board(200, 50);
    const pen = /** @type {CanvasRenderingContext2D} */ (made.getContext("2d"));
    const fade = pen.createLinearGradient(0, 0, 200, 50);
    fade.addColorStop(0, "#213");
    fade.addColorStop(1, "#8ac");
    pen.fillStyle = fade;
    pen.fillRect(3, 3, 150, 33);
    pen.rotate(0.03);
    pen.fillStyle = "rgba(240, 180, 20, 0.7)";
    pen.font = "italic 17px serif";
    pen.fillText("Pulse \u{1F98A} 0,51 \u00e6\u0434", 8, 24);
    pen.globalCompositeOperation = "difference";
    pen.ellipse(150, 22, 31, 17, 0.4, 0, 5);
    pen.fill();
    return made.toDataURL();
  } catch {
    return "";
  }
}

/** @returns {Promise<string>} The sum of a compressed tone; nothing if it takes longer than a second. */
export async function audio() {
  try {
    const context = new OfflineAudioContext(1, 4_410, 44_100);
    const tone = new OscillatorNode(context, { type: "sawtooth", frequency: 3_700 });
    const compressor = new DynamicsCompressorNode(context, { threshold: -36, knee: 24, ratio: 9, attack: 0.001, release: 0.1 });
    tone.connect(compressor).connect(context.destination);
    tone.start();
    const late = new Promise((resolve) => setTimeout(resolve, 1_000));
    const played = /** @type {AudioBuffer | undefined} */ (await Promise.race([context.startRendering(), late]));
    let sum = 0;
    for (const each of played?.getChannelData(0).subarray(3_000) ?? []) sum += Math.abs(each);
    return sum ? String(sum) : "";
  } catch {
    return "";
  }
}

const VENDORS = /** @type {const} */ ([
  ["software", /swiftshader|llvmpipe|softpipe|basic render/i],
  ["apple", /apple/i],
  ["nvidia", /nvidia|geforce/i],
  ["amd", /\bamd\b|radeon|\bati\b/i],
  ["intel", /intel/i],
  ["qualcomm", /adreno|qualcomm/i],
  ["arm", /mali|\barm\b/i],
  ["imagination", /powervr/i],
]);

/** The graphics card: its renderer's name, and which maker's it is. */
export function gpu() {
  try {
    const gl = /** @type {WebGLRenderingContext} */ (board(1, 1).getContext("webgl"));
    const unmasked = gl.getExtension("WEBGL_debug_renderer_info");
    const renderer = String(gl.getParameter(unmasked ? unmasked.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
    return { renderer, vendor: VENDORS.find(([, like]) => like.test(renderer))?.[0] ?? "other" };
  } catch {
    return { renderer: "", vendor: "" };
  }
}

const FONTS = [
  "Arial", "Arial Black", "Arial Narrow", "Calibri", "Cambria", "Candara", "Comic Sans MS", "Consolas", "Courier New",
  "DejaVu Sans", "Fira Sans", "Franklin Gothic", "Futura", "Geneva", "Georgia", "Gill Sans", "Helvetica Neue", "Impact",
  "Liberation Sans", "Lucida Grande", "Menlo", "Monaco", "MS Gothic", "Noto Sans", "Noto Sans CJK JP", "Optima", "Palatino",
  "PingFang SC", "Roboto", "Segoe UI", "Segoe UI Emoji", "SF Pro", "SimSun", "Tahoma", "Times New Roman", "Trebuchet MS",
  "Ubuntu", "Verdana", "Yu Gothic",
];

/** @returns {string[]} Which of some well-known fonts are there: those in which a text is as wide as in no other. */
export function fonts() {
  const pen = board(1, 1).getContext("2d");
  if (!pen) return [];
  /** @param {string} family */
  const width = (family) => {
    pen.font = `72px ${family}`;
    return pen.measureText("mmmmmmmmmmlli").width;
  };
  const bases = ["monospace", "serif", "sans-serif"];
  const plain = bases.map(width);
  return FONTS.filter((name) => bases.some((base, i) => width(`"${name}",${base}`) !== plain[i]));
}
