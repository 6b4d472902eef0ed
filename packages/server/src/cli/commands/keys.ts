/** `pawl keys`: the keys tokens are signed with. */

import { type Command, Option } from 'commander'
import { listSigningKeys, rotateSigningKey, signingKeyJson, type SigningKeyView } from '../../admin/signing-keys.ts'
import { type SigningAlgorithm, signingAlgorithms } from '../../domain/client/signing-algorithm.ts'
import { isoInstant } from '../../domain/time.ts'
import { type StoreOptions, storeCommand, withWorkbench } from '../store-command.ts'
import { table } from '../style.ts'
import { print, printJson, tell, type World } from '../world.ts'
import { wholeNumber } from './whole-number.ts'

interface RotateFlags extends StoreOptions {
  readonly alg: SigningAlgorithm
  readonly publishSeconds?: number
  readonly verifySeconds?: number
}

export function addKeysCommands(program: Command, world: World): void {
  const group = program.command('keys').description('the keys tokens are signed with')
  storeCommand(group, 'list', 'every signing key and what it does now').action(async (flags: StoreOptions) => {
    const views = await withWorkbench(world, flags, listSigningKeys)
    if (flags.json) return printJson(world, views.map(signingKeyJson))
    if (views.length === 0) return tell(world, 'There are no keys yet: the first start of a server makes them.')
    print(world, keysTable(views))
  })
  storeCommand(group, 'rotate', 'publish a new key that takes over once every verifier can know it')
    .addOption(new Option('--alg <alg>', 'which algorithm').choices(signingAlgorithms).default('ES256'))
    .option('--publish-seconds <seconds>', 'how long it is published before it signs', wholeNumber)
    .option('--verify-seconds <seconds>', 'how long the old one verifies afterwards', wholeNumber)
    .action(async (flags: RotateFlags) => {
      const seconds = { publish: flags.publishSeconds, verify: flags.verifySeconds }
      const view = await withWorkbench(world, flags, workbench => rotateSigningKey(workbench, flags.alg, seconds))
      if (flags.json) return printJson(world, signingKeyJson(view))
      print(world, `Key ${view.key.kid} is published and signs from ${isoInstant(view.key.signsFromMs)} on.`)
    })
}

function keysTable(views: readonly SigningKeyView[]): string {
  const rows = views.map(({ key, state }) => [
    key.kid,
    key.algorithm,
    state,
    isoInstant(key.signsFromMs),
    key.verifiesUntilMs === null ? '' : isoInstant(key.verifiesUntilMs),
  ])
  return table(['KEY', 'ALGORITHM', 'STATE', 'SIGNS FROM', 'VERIFIES UNTIL'], rows)
}
