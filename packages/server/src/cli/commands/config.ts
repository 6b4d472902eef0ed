/** `pawl config`: what can be set, and what is. */

import type { Command } from 'commander'
import { readSettings } from '../../config/read-config.ts'
import { environmentNameOf, flagOf, settingNames, settingsJsonSchema } from '../../config/settings.ts'
import { shownMail } from '../../config/mail-place.ts'
import { shownStore } from '../../config/store-place.ts'
import { table } from '../style.ts'
import { print, printJson, type World } from '../world.ts'

export function addConfigCommands(program: Command, world: World): void {
  const group = program.command('config').description('what can be set, and what is')
  group
    .command('schema')
    .description('the JSON Schema of pawl.yaml')
    .option('--json', 'on one line')
    .action((flags: { json?: true }) => {
      if (flags.json) return printJson(world, settingsJsonSchema())
      print(world, JSON.stringify(settingsJsonSchema(), null, 2))
    })
  group
    .command('show')
    .description('every value and where it comes from; secrets are not among them')
    .option('--data <dir>', 'the data directory')
    .option('--store <url>', 'another database')
    .option('--config <file>', 'a configuration file')
    .option('--json', 'print one JSON document')
    .action((flags: { data?: string; store?: string; config?: string; json?: true }) => {
      const given = { data: flags.data, store: flags.store }
      const sources = { flags: given, configFile: flags.config, environment: world.environment }
      const { settings, origins } = readSettings(sources)
      const store = settings.store === null ? null : shownStore(settings.store)
      const mail = settings.mail === null ? null : shownMail(settings.mail)
      const shown = { ...settings, store, mail }
      if (flags.json) return printJson(world, shown)
      const rows = settingNames.map(name => [
        name,
        JSON.stringify(shown[name]),
        origins.get(name) ?? 'default',
        flagOf(name),
        environmentNameOf(name),
      ])
      print(world, table(['SETTING', 'VALUE', 'FROM', 'FLAG', 'ENVIRONMENT'], rows))
    })
}
