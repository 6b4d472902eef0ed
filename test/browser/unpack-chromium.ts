/**
 * Unpacks the Chromium of `@sparticuz/chromium`, with its libraries and fonts, into the temporary directory of this
 * process. A program of its own because the package unpacks to wherever `TMPDIR` says: `TMPDIR=DIR node unpack-chromium.ts`.
 */

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inflate } from '@sparticuz/chromium'

const packed = join(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))), '..', 'bin')
const archives = ['chromium.br', 'al2023.tar.br', 'fonts.tar.br', 'swiftshader.tar.br']
await Promise.all(archives.map(archive => inflate(join(packed, archive))))
