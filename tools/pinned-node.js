/**
 * Refuses, with a sentence, any Node but the pinned one: `package.json` pins it for all platforms, `npm ci` brings it.
 * This is JavaScript of the old kind, so that an old Node can read the refusal.
 *
 *     node tools/pinned-node.js [ROOT]
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = process.argv[2] ?? process.cwd()
const { optionalDependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const platforms = Object.keys(optionalDependencies).filter(name => /^node-(bin-)?(linux|darwin|win)-/.test(name))
const [pinned, ...others] = new Set(platforms.map(name => optionalDependencies[name]))
const running = process.versions.node

if (pinned === undefined || others.length > 0) {
  console.error('package.json must pin one version of Node for all platforms, among its optionalDependencies.')
  process.exitCode = 1
} else if (running !== pinned) {
  console.error(
    `This is Node ${running}, and this repository is developed and tested on Node ${pinned} alone. ` +
      '`npm ci` brings that one, `npm test` and `npx node` use it.',
  )
  process.exitCode = 1
}
