/**
 * Gathers settings: flags win over `PAWL_*`, that over `pawl.yaml`, that over defaults. What no one can have meant is
 * refused with the name it was written under: an unknown key, a value out of range, the same value from two places.
 */

import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { z } from 'zod'
import { isDevelopment } from './config.ts'
import { ConfigRefused } from './config-refused.ts'
import { environmentNameOf, flagOf, type SettingName, type Settings, settingNames, settingsSchema } from './settings.ts'
import { valueOfText } from './value-of-text.ts'
import { hasMailPassword } from './mail-place.ts'
import { hasPassword } from './store-place.ts'

export const configFileBytesMax = 65_536
const valueFileBytesMax = 65_536

/** Lists for flags that may be repeated, true for those without a value. */
export type FlagValue = string | readonly string[] | true

export interface ConfigSources {
  /** What the command line said, by setting name. */
  readonly flags: { readonly [name in SettingName]?: FlagValue | undefined }
  /** `--config FILE`: instead of `pawl.yaml` in the data directory. */
  readonly configFile?: string | undefined
  readonly environment: { readonly [name: string]: string | undefined }
}

export interface SettingsReading {
  readonly settings: Settings
  /** The values somebody set, with the name they were written under: `--port`, `PAWL_PORT`, `port in DIR/pawl.yaml`. */
  readonly origins: ReadonlyMap<SettingName, string>
  /** Sentences for the operator about what was left aside. */
  readonly warnings: readonly string[]
}

interface Found {
  readonly value: unknown
  readonly origin: string
}

type FoundValues = Map<SettingName, Found>

/** Throws `ConfigRefused` with a sentence per mistake. */
export function readSettings(sources: ConfigSources): SettingsReading {
  const given: FoundValues = new Map([...fromEnvironment(sources.environment), ...fromFlags(sources.flags)])
  const found: FoundValues = new Map([...fromFile(configFileOf(sources, given)), ...given])
  const values = Object.fromEntries([...found].map(([name, { value }]) => [name, value]))
  const parsed = settingsSchema.safeParse(values)
  if (!parsed.success) throw new ConfigRefused(parsed.error.issues.map(issue => sentence(issue, found)).join('\n'))
  const exposed = exposedPasswords(sources.flags)
  if (exposed.length > 0 && !isDevelopment(parsed.data)) throw new ConfigRefused(exposed.join('\n'))
  return {
    settings: parsed.data,
    origins: new Map([...found].map(([name, { origin }]) => [name, origin])),
    warnings: [...unknownVariables(sources.environment), ...exposed],
  }
}

/** What is on the command line, everyone on the machine can read. */
function exposedPasswords({ store, mail }: ConfigSources['flags']): readonly string[] {
  const inStore = typeof store === 'string' && hasPassword(store)
  const inMail = typeof mail === 'string' && hasMailPassword(mail)
  return [...(inStore ? [exposedPassword('store')] : []), ...(inMail ? [exposedPassword('mail')] : [])]
}

function exposedPassword(name: 'store' | 'mail'): string {
  const variable = environmentNameOf(name)
  return `The password in ${flagOf(name)} can be read by every user of this machine: put the URL into ${variable}, a file that ${variable}_FILE names, or ${name} in pawl.yaml.`
}

/** One `PAWL_NAME` or the content of the file `PAWL_NAME_FILE` names, without its last line end. Null when neither is set. */
export function readVariable(environment: ConfigSources['environment'], name: string): string | null {
  const value = environment[name]
  const path = environment[`${name}_FILE`]
  if (path === undefined) return value ?? null
  if (value !== undefined) throw new ConfigRefused(`${name} and ${name}_FILE are both set: keep one.`)
  return readSmallFile(path, valueFileBytesMax, `${name}_FILE`).replace(/\r?\n$/, '')
}

function fromFlags(flags: ConfigSources['flags']): FoundValues {
  const found: FoundValues = new Map()
  for (const name of settingNames) {
    const value = flags[name]
    if (value === undefined) continue
    const text = typeof value === 'object' ? value.join(',') : String(value)
    found.set(name, { value: valueOfText(name, text), origin: flagOf(name) })
  }
  return found
}

function fromEnvironment(environment: ConfigSources['environment']): FoundValues {
  const found: FoundValues = new Map()
  for (const name of settingNames) {
    const variable = environmentNameOf(name)
    const text = readVariable(environment, variable)
    if (text !== null) found.set(name, { value: valueOfText(name, text), origin: variable })
  }
  return found
}

function configFileOf(sources: ConfigSources, given: FoundValues): { path: string; named: boolean } {
  const named = sources.configFile ?? sources.environment['PAWL_CONFIG']
  if (named !== undefined) return { path: named, named: true }
  const data = settingsSchema.shape.data.safeParse(given.get('data')?.value)
  if (!data.success) throw new ConfigRefused('--data names a directory.')
  return { path: join(data.data, 'pawl.yaml'), named: false }
}

function fromFile(file: { path: string; named: boolean }): FoundValues {
  if (!file.named && !existsSync(file.path)) return new Map()
  const document = parseYaml(file.path)
  const found: FoundValues = new Map()
  for (const [key, value] of Object.entries(document)) {
    const name = settingNames.find(known => known === key)
    if (name === undefined) throw new ConfigRefused(`${file.path} sets ${key}, which Pawl does not know.${hint(key)}`)
    if (name === 'data' && !file.named) {
      throw new ConfigRefused(`${file.path} sets data, but it was found in the data directory: use --data instead.`)
    }
    found.set(name, { value, origin: `${name} in ${file.path}` })
  }
  return found
}

function parseYaml(path: string): object {
  const text = readSmallFile(path, configFileBytesMax, 'the configuration')
  let document: unknown
  try {
    document = parse(text, { maxAliasCount: 0 })
  } catch (cause) {
    const where = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : ''
    throw new ConfigRefused(`${path} is not valid YAML: ${where}`, { cause })
  }
  if (document === null) return {}
  if (typeof document !== 'object' || Array.isArray(document)) {
    throw new ConfigRefused(`${path} must be a list of names and values, such as port: 7295.`)
  }
  return document
}

/** The text of a file an operator named; `what` says to them which one it is. */
export function readSmallFile(path: string, bytesMax: number, what: string): string {
  try {
    if (statSync(path).size > bytesMax) throw new ConfigRefused(`${path} (${what}) is larger than ${bytesMax} bytes.`)
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (cause instanceof ConfigRefused) throw cause
    throw new ConfigRefused(`${path} (${what}) cannot be read: check that it is there and readable.`, { cause })
  }
}

function sentence(issue: z.core.$ZodIssue, found: FoundValues): string {
  const name = settingNames.find(known => known === issue.path[0])
  const origin = name === undefined ? 'The configuration' : (found.get(name)?.origin ?? name)
  return `${origin} is refused: ${issue.message}.`
}

/** A mistyped name would silently leave a default in force, which may be the opposite of what was meant. */
function unknownVariables(environment: ConfigSources['environment']): string[] {
  const known = new Set(['PAWL_CONFIG', 'PAWL_MASTER_KEY', ...settingNames.map(environmentNameOf)])
  return Object.keys(environment)
    .filter(name => name.startsWith('PAWL_') && !known.has(name.replace(/_FILE$/, '')))
    .map(name => `${name} is set, but Pawl does not know it.`)
}

function hint(key: string): string {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]/g, '')
  const meant = settingNames.find(name => plain(name) === plain(key))
  return meant === undefined ? ' pawl config schema lists what it knows.' : ` Did you mean ${meant}?`
}
