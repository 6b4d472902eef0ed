/** The one stylesheet, inline in every page; the CSP allows it by its hash and nothing else. */

import { createHash } from 'node:crypto'
import { cssVariables, darkPalette, lightPalette } from './palette.ts'

export const stylesheet = [
  `:root{color-scheme:light dark;${cssVariables(lightPalette)}}`,
  `@media (prefers-color-scheme:dark){:root{${cssVariables(darkPalette)}}}`,
  `
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;position:relative;overflow-x:hidden;
background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","Liberation Sans",sans-serif}
.symbols{position:absolute;width:0;height:0}
#teeth path{fill:var(--brass)}
.rack{display:block;flex:none;opacity:.6}
.great-wheel{position:fixed;z-index:-1;right:-15rem;bottom:-17rem;width:44rem;height:44rem;fill:var(--shade)}
.column{width:100%;max-width:29rem;margin:0 auto;padding:0 1.25rem}
header{display:flex;align-items:center;gap:.75rem;padding-top:2.25rem!important;padding-bottom:1.25rem!important}
.mark{flex:none}.mark-wheel{fill:var(--accent)}.mark-pawl{fill:var(--brass)}
.place{margin:0;font-size:.9375rem;line-height:1.35;overflow-wrap:anywhere}
.place strong{display:block;font-weight:600}
.place span{color:var(--quiet)}
main{flex:1}
.card{background:var(--card);border:1px solid var(--line);border-radius:.875rem;padding:1.75rem 1.75rem 2rem}
h1,h2{font-family:"Iowan Old Style","Palatino Linotype",Palatino,P052,"URW Palladio L",Georgia,"Liberation Serif",serif;text-wrap:balance;overflow-wrap:anywhere}
h1+.quiet{margin-top:-.375rem}
h1{margin:0 0 .75rem;font-size:1.75rem;line-height:1.2;font-weight:600;letter-spacing:-.01em}
h2{margin:1.5rem 0 .375rem;font-size:1.0625rem;line-height:1.35;font-weight:600}
p{margin:0 0 1rem;overflow-wrap:anywhere}
p:last-child,ul:last-child{margin-bottom:0}
bdi,strong{overflow-wrap:anywhere}
.quiet{color:var(--quiet);font-size:.9375rem}
code{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.9375em;overflow-wrap:anywhere}
ul.permissions{list-style:none;margin:0 0 1rem;padding:0}
ul.permissions li{position:relative;padding:.25rem 0 .25rem 1.625rem;overflow-wrap:anywhere}
ul.permissions li::before{content:"";position:absolute;left:0;top:.7em;width:.9375rem;height:.5rem;background:var(--brass);clip-path:polygon(0 0,100% 0,100% 100%)}
.details{margin:.25rem 0 .5rem;display:grid;grid-template-columns:auto 1fr;gap:0 .75rem;font-size:.9375rem}
.details dt{color:var(--quiet)}
.details dd{margin:0;overflow-wrap:anywhere;white-space:pre-line}
.facts{margin:1.25rem 0 0;padding:1rem 0 0;border-top:1px solid var(--line)}
.facts dt{font-weight:600}
.facts dd{margin:0;overflow-wrap:anywhere}
.facts dd+dt{margin-top:.75rem}
form{margin:0}
.field{margin-top:1.125rem}
.field .quiet{margin:.5rem 0 0}
label{display:block;margin-bottom:.375rem;font-weight:600}
input{display:block;width:100%;min-height:3rem;padding:.625rem .875rem;font:inherit;color:inherit;background:var(--field);border:1px solid var(--border);border-radius:.5rem}
input[aria-invalid=true]{border:2px solid var(--danger)}
button{font:inherit;cursor:pointer;min-height:3rem;padding:.625rem 1.25rem;border-radius:.5rem;border:2px solid var(--accent);font-weight:600;overflow-wrap:anywhere}
.primary{background:var(--accent);color:var(--on-accent)}
.primary:hover{background:var(--accent-strong);border-color:var(--accent-strong)}
.secondary{background:transparent;color:var(--accent)}
.secondary:hover{border-color:var(--accent-strong);color:var(--accent-strong)}
.choices{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}
.choices button{flex:1 1 9rem}
.aside{display:flex;flex-wrap:wrap;gap:0 1.25rem;margin-top:.75rem}
.aside p{display:flex;align-items:center;min-height:2.75rem;margin:0}
.aside button{min-height:2.75rem;padding:.25rem;margin-left:-.25rem;border:0;background:none;color:var(--accent);font-weight:400;text-align:left;text-decoration:underline;text-underline-offset:.2em;text-decoration-thickness:1px}
.aside button:hover{color:var(--accent-strong);text-decoration-thickness:2px}
a{color:var(--accent);text-underline-offset:.2em}
a:hover{color:var(--accent-strong)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.notice{margin:1.25rem 0 0;padding:.75rem 1rem;border-left:4px solid var(--brass);background:var(--ground);border-radius:0 .5rem .5rem 0}
.notice+p{margin-top:1.25rem}
.problem{border-left-color:var(--danger);background:var(--danger-ground);color:var(--danger);font-weight:600}
.providers{margin-top:.75rem}
.providers form{margin-top:.75rem}
.providers button{width:100%}
section{margin-top:1.75rem;padding-top:.25rem;border-top:1px solid var(--line)}
section h2{font-size:1.25rem}
ul.rows{list-style:none;margin:0 0 1rem;padding:0}
ul.rows>li{display:flex;flex-wrap:wrap;align-items:flex-start;justify-content:space-between;gap:.5rem 1rem;padding:.75rem 0;border-bottom:1px solid var(--line)}
ul.rows>li>span{flex:1 1 12rem;min-width:0}
ul.rows .inner{flex:1 1 100%;margin:0;padding-left:.875rem;border-left:2px solid var(--line)}
ul.rows>li:last-child,ul.inner>li:last-child{border-bottom:0}
.small{min-height:2.75rem;padding:.25rem .875rem}
a.small{display:inline-flex;align-items:center;border:2px solid;border-radius:.5rem;font-weight:600;text-decoration:none}
ul.codes{list-style:none;margin:0 0 1rem;padding:0;columns:2;column-gap:1rem}
ul.codes li{padding:.25rem 0;break-inside:avoid}
ul.codes code{white-space:nowrap}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:.9375em/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
.user-code{margin:1.25rem 0 0;font-size:1.625rem;letter-spacing:.08em}
.picture{margin:1.25rem 0;text-align:center}
.picture img{background:#fff;padding:.75rem;border-radius:.5rem;max-width:100%;height:auto}
[hidden]{display:none!important}
.who{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 .5rem;margin:0}
footer{color:var(--quiet);font-size:.875rem;padding-top:1.5rem!important;padding-bottom:2rem!important}
footer p{margin:0}
@media (min-width:48rem) and (min-height:44rem){header{padding-top:9vh!important}}
@media (max-width:48rem){.great-wheel{display:none}}
@media (max-width:26rem){ul.codes{columns:1}.choices button{padding-inline:.75rem}.column{padding:0 1rem}.card{padding:1.375rem 1.25rem 1.5rem}h1{font-size:1.5625rem}}
@media (prefers-reduced-motion:no-preference){button,input{transition:background-color .12s,border-color .12s,color .12s}}
@media (prefers-contrast:more){.card,.facts{border-color:var(--border)}.great-wheel{display:none}}
@media (forced-colors:active){.mark-wheel,.mark-pawl{fill:CanvasText}ul.permissions li::before{background:CanvasText;forced-color-adjust:none}.rack,.great-wheel{display:none}}
@media print{body{background:#fff;color:#000;min-height:0}.card{border:0;padding:0;background:#fff}form,.rack,.great-wheel{display:none}}
`,
].join('')

/** `'sha256-…'` of a text as CSP3 §2.3.1 writes it. */
export function cspHash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
