/** The flags `serve` and `dev` share: every setting there is, read off the schema, so that none can be forgotten. */

import type { Command } from 'commander'
import { type FlagValue, readSettings, type SettingsReading } from '../config/read-config.ts'
import { flagOf, type SettingName, settingMeaning, settingNames, settingsSchema } from '../config/settings.ts'
import type { World } from './world.ts'

type FlagValues = { readonly [name in SettingName]?: FlagValue }

export interface ServerFlags extends FlagValues {
  readonly data?: string
  readonly store?: string
  readonly config?: string
  readonly trustedProxy?: readonly string[]
  readonly privateHost?: readonly string[]
  readonly json?: true
}

export function withServerFlags(command: Command): Command {
  const defaults = settingsSchema.parse({})
  for (const name of settingNames) {
    const { description: meaning, unit } = settingMeaning(name)
    const standard = defaults[name]
    const description =
      typeof standard === 'string' || typeof standard === 'number' ? `${meaning} Default: ${standard}.` : meaning
    const flag = `${flagOf(name)} <${unit}>`
    if (typeof standard === 'boolean') command.option(flagOf(name), description)
    else if (Array.isArray(standard)) command.option(flag, `${description} Several times.`, collect)
    else command.option(flag, description)
  }
  return command
    .option('--config <file>', 'A configuration file instead of pawl.yaml in the data directory.')
    .option('--json', 'Print one line of JSON when ready.')
}

export function settingsOf(world: World, flags: ServerFlags): SettingsReading {
  const { config, trustedProxy, privateHost } = flags
  const given = { ...flags, trustedProxies: trustedProxy, privateHosts: privateHost }
  return readSettings({ flags: given, configFile: config, environment: world.environment })
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}
