/**
 * A real Chromium on any machine: the one the system has, or else the one that came with `npm ci`, unpacked once beside
 * the packages. Nothing is downloaded. `CHROMIUM=PATH` names another, `CHROMIUM=bundled` asks for the one of npm.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Lifetime } from '../stage/lifetime.ts'

/** What a page may take before a test calls it stuck, on however busy a machine. */
export const pageMsMax = 180_000

const systemPaths = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

interface Executable {
  readonly path: string
  readonly environment: { readonly [name: string]: string }
}

/** Whoever opens it closes it. `args` are Chromium's own. */
export async function openChromium(args: readonly string[] = []): Promise<Browser> {
  const { path, environment } = await findChromium(process.env['CHROMIUM'])
  const inherited = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const env = { ...Object.fromEntries(inherited), ...environment }
  return chromium.launch({ executablePath: path, env, timeout: pageMsMax, args: [...args] })
}

/** A page of a browser that knows nothing yet. */
export async function openPage(
  lifetime: Lifetime,
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(pageMsMax)
  lifetime.after(() => context.close())
  return context.newPage()
}

async function findChromium(wanted: string | undefined): Promise<Executable> {
  if (wanted !== undefined && wanted !== 'bundled') return { path: wanted, environment: {} }
  const system = systemPaths.find(path => existsSync(path))
  if (system !== undefined && wanted !== 'bundled') return { path: system, environment: {} }
  if (process.platform === 'linux' && process.arch === 'x64') return bundled()
  throw new Error('There is no Chromium here: install one, or name it with CHROMIUM=PATH.')
}

async function bundled(): Promise<Executable> {
  const manifest = new URL('../package.json', import.meta.resolve('@sparticuz/chromium'))
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { readonly version: string }
  const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))
  const directory = join(cache, `chromium-${version}`)
  if (!existsSync(directory)) await unpackInto(directory)
  const environment = { LD_LIBRARY_PATH: join(directory, 'al2023', 'lib'), FONTCONFIG_PATH: join(directory, 'fonts') }
  return { path: join(directory, 'chromium'), environment }
}

/** Whole or not at all: several test processes may do it at the same time, and the first to finish wins. */
async function unpackInto(directory: string): Promise<void> {
  await mkdir(dirname(directory), { recursive: true })
  const draft = await mkdtemp(`${directory}-`)
  const program = fileURLToPath(new URL('unpack-chromium.ts', import.meta.url))
  const child = spawn(process.execPath, [program], { env: { ...process.env, TMPDIR: draft }, stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error('the Chromium of @sparticuz/chromium could not be unpacked')
  await writeFile(join(draft, 'fonts', 'fonts.conf'), fontsConf(directory))
  await rename(draft, directory).catch(async (cause: unknown) => {
    await rm(draft, { recursive: true })
    if (!existsSync(directory)) throw cause
  })
}

/** The package's own file looks for fonts where a serverless platform puts them; without any font Chromium gives up. */
function fontsConf(directory: string): string {
  const fonts = join(directory, 'fonts')
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${fonts}</dir><cachedir>${fonts}</cachedir></fontconfig>
`
}
