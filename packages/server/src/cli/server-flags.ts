/** The flags `serve`, `dev` and `check` share: every setting there is, read off the schema, so that none can be forgotten. */

import type { Command } from 'commander'
import { type FlagValue, readSettings, type SettingsReading } from '../config/read-config.ts'
import { flagOf, repeatedFlags, settingMeaning, settingNames, settingsSchema } from '../config/settings.ts'
import type { World } from './world.ts'

/** By the name of the flag, which differs from the setting's where it may be given several times. */
type FlagValues = { readonly [name: string]: FlagValue | undefined }

export interface ServerFlags extends FlagValues {
  readonly data?: string
  readonly store?: string
  readonly config?: string
  readonly json?: true
}

export function withServerFlags(command: Command): Command {
  return withSettingFlags(command).option('--json', 'Print one line of JSON when ready.')
}

export function withSettingFlags(command: Command): Command {
  const defaults = settingsSchema.parse({})
  for (const name of settingNames) {
    const { description: meaning, unit } = settingMeaning(name)
    const standard = defaults[name]
    const description =
      typeof standard === 'string' || typeof standard === 'number' ? `${meaning} Default: ${standard}.` : meaning
    const flag = `${flagOf(name)} <${unit}>`
    if (typeof standard === 'boolean') command.option(flagOf(name), description)
    else if (repeatedFlags[name] !== undefined) command.option(flag, `${description} Several times.`, collect)
    else command.option(flag, description)
  }
  return command.option('--config <file>', 'A configuration file instead of pawl.yaml in the data directory.')
}

export function settingsOf(world: World, flags: ServerFlags): SettingsReading {
  const { config } = flags
  const given = Object.fromEntries(settingNames.map(name => [name, flags[repeatedFlags[name] ?? name]]))
  return readSettings({ flags: given, configFile: config, environment: world.environment })
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}
