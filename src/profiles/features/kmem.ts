/** Kernel memory and slab (profiles.md §3.2). How a row is read stands in kinds.ts. */
import { type AnyFeature, flag, formula, integer, word } from './kinds.ts'

/*          4.2   4.3   4.4   4.19  5.2   5.3   5.5   5.8   5.9   5.15  6.1   6.12  6.18  7.1 */
export const KMEM = {
  kmemOnV2: flag({
    cells: 'no    .     .     yes   .     .     .     .     .     .     .     .     .     .',
    about: 'Kernel memory is charged on cgroup v2.',
    source: 'mm/memcontrol.c memcg_update_kmem_limit (4.3), memcg_online_kmem (4.19)',
    test: 'E20',
  }),
  kmemOnlineV1: word({
    cells: 'opt-in-limit . .  always? always .  .     .     .     .     .     .     .     .',
    words: ['opt-in-limit', 'always'],
    about: 'On v1 kernel memory is charged from the first write of memory.kmem.limit_in_bytes on, or always.',
    source: 'mm/memcontrol.c memcg_activate_kmem (4.3), memcg_online_kmem (5.2)',
    test: 'kernel memory of version 1 is charged once it is asked for',
  }),
  kmemAccount: word({
    cells: 'opt-out .   .     opt-in .    .     .     .     .     .     .     .     .     .',
    words: ['opt-out', 'opt-in'],
    about:
      'Which kernel memory is charged: all but what opts out (__GFP_NOACCOUNT), or only what asks (SLAB_ACCOUNT, __GFP_ACCOUNT).',
    source: 'include/linux/memcontrol.h memcg_kmem_get_cache (4.3); mm/slab.h slab_pre_alloc_hook (5.2)',
    unseen: 'whoever allocates here says whether it is charged (kmalloc … account=no)',
  }),
  kmemChargeOrder: word({
    cells: 'kmem-first . .    memory-first . .  .     .     .     .     .     .     .     .',
    words: ['kmem-first', 'memory-first'],
    about: 'Which counter of v1 is asked first, so which failcnt counts a refusal: kmem or memory.',
    source: 'mm/memcontrol.c memcg_charge_kmem (4.3), __memcg_kmem_charge_memcg (5.2)',
    test: 'the counter of kernel memory is asked before that of all memory up to 4.4',
  }),
  kmemLimit: word({
    cells: 'activate+enforce . . enforce . .    .     .     .     .     inert .     .     .',
    words: ['activate+enforce', 'enforce', 'inert'],
    about: 'memory.kmem.limit_in_bytes: its first write also switches accounting on; it only limits; it does nothing.',
    source: 'mm/memcontrol.c memcg_update_kmem_limit (4.3), memcg_update_kmem_max (5.2, 6.1)',
    test: 'E19',
  }),
  slabController: word({
    cells: 'page  .     .     .     .     .     .     .     objcg .     .     .     .     .',
    words: ['page', 'objcg'],
    about:
      'What is charged for slab: the pages of a cache that the cgroup has to itself, or each object of a shared one.',
    source: 'mm/slab.h memcg_charge_slab (5.3), memcg_slab_post_alloc_hook (5.9); commit 10befea91b61',
    test: 'E17',
  }),
  cacheCreate: word({
    cells: 'async .     .     .     .     .     .     .     none  .     .     .     .     .',
    words: ['async', 'async-once', 'none'],
    about:
      "When the cgroup's copy of a cache is made: behind the first allocations of each cgroup, once per machine, or never (no copies).",
    source: 'mm/memcontrol.c memcg_schedule_kmem_cache_create (5.3); mm/slab_common.c (5.9)',
    test: 'E6',
  }),
  cacheShrink: word({
    cells: 'at-offline . .    deferred? deferred . .  .   -     .     .     .     .     .',
    words: ['at-offline', 'deferred'],
    about:
      'When the empty slabs of a removed cgroup are given back: while it goes offline, or by work one grace period later.',
    source: 'mm/slub.c __kmemcg_cache_deactivate (4.3, 5.2)',
    test: 'E15',
  }),
  slabFirstTry: word({
    cells: 'keep-wait no-wait-high-order . . . . .    .     .     .     .     .     .     .',
    words: ['keep-wait', 'no-wait-high-order', 'no-wait'],
    about: 'The first try for a new slab may wait; may not if its order is above the lowest; may never.',
    source: 'mm/slub.c allocate_slab (4.2, 4.3); mm/slab.c gfp_exact_node (4.2)',
    test: 'E21',
  }),
  slabChargeGfp: word({
    cells: 'attempt .   .     .     .     .     .     .     caller .    .     .     .     .',
    words: ['attempt', 'caller'],
    about: 'Flags a slab is charged with: those of the attempt to get its pages, or those of who wants the object.',
    source: 'mm/slab.h memcg_charge_slab (5.3), mm/memcontrol.c obj_cgroup_charge (5.9)',
    test: 'E20',
  }),
  slabReparent: word({
    cells: 'no    .     .     .     .     caches .    .     objcg .     .     .     .     .',
    words: ['no', 'caches', 'objcg'],
    about: 'What follows to the parent when a cgroup is removed: nothing, its caches, or the owner of its objects.',
    source: 'mm/memcontrol.c memcg_offline_kmem (5.2), commit fb2f2b0adb98 (5.3), memcg_reparent_objcgs (5.9)',
    test: 'E15',
  }),
  slabPin: word({
    cells: 'per-page .  .     .     .     no    .     .     .     .     .     .     .     .',
    words: ['per-page', 'no'],
    about: 'Each page of slab keeps a removed cgroup alive.',
    source: 'mm/slab.h memcg_charge_slab (5.2, 5.3)',
    test: 'E16',
  }),
  kpageOwner: word({
    cells: 'memcg .     .     .     .     .     .     .     .     objcg .     .     .     .',
    words: ['memcg', 'objcg'],
    about:
      'Kernel pages (stacks, pipes, big kmallocs) belong to a memcg and keep it, or to an owner that moves to the parent.',
    source: 'mm/memcontrol.c __memcg_kmem_charge_page (5.9, 5.15)',
    test: 'E25',
  }),
  lruReparent: flag({
    cells: 'no    .     .     .     .     .     .     .     .     .     .     .     .     yes',
    about: 'User pages and page cache follow to the parent when a cgroup is removed, so they no longer keep it alive.',
    source: 'mm/memcontrol.c mem_cgroup_css_offline (7.0, 7.1.5); LRU reparenting series of February 2026',
    test: 'E24',
  }),
  objChargeMoment: word({
    cells: '-     .     .     .     .     .     .     .     before-bulk . .   after-bulk after-each .',
    words: ['before-bulk', 'after-bulk', 'after-each'],
    about: 'Objects are charged together before they are taken, together after, or one by one after.',
    source: 'mm/slab.h slab_pre_alloc_hook (5.9), mm/memcontrol.c __memcg_slab_post_alloc_hook (6.12, 6.18)',
    unseen: 'here objects are taken one by one, each with its charge in one step',
  }),
  objChargeFail: word({
    cells: '-     .     .     .     .     .     .     .     unaccounted fail . .    .     .',
    words: ['unaccounted', 'fail'],
    about: 'When the charge for an object is refused: it is handed out and nobody pays, or the allocation fails.',
    source: 'mm/slab.h memcg_slab_pre_alloc_hook (5.9, 5.15); commit becaba65f62f',
    test: 'E19',
  }),
  objStock: word({
    cells: '-     .     .     .     .     .     .     .     drain-over-page trim+vmstat . . own-struct .',
    words: ['drain-over-page', 'trim+vmstat', 'own-struct'],
    about:
      'The byte stock of a CPU: emptied above a page; trimmed to a part of a page, with slab statistics kept in it; a structure of its own.',
    source: 'mm/memcontrol.c refill_obj_stock (5.9, 5.15, 6.18)',
    test: 'E9',
  }),
  objUncharge: word({
    cells: '-     .     .     .     .     .     .     .     counter page-stock . .  page-stock,drain-to-counter .',
    words: ['counter', 'page-stock', 'page-stock,drain-to-counter'],
    about:
      'Whole pages the byte stock gives back go to the counters, to the page stock, or by a drain to the counters.',
    source: 'mm/memcontrol.c obj_cgroup_uncharge_pages (5.9, 5.15), drain_obj_stock (6.18)',
    test: 'E9',
  }),
  objVector: word({
    cells: '-     .     .     .     .     .     .     .     first-object slab-creation . . . slab-leftover',
    words: ['first-object', 'slab-creation', 'slab-leftover'],
    about:
      'The list of owners of a slab is made with its first accounted object, with the slab, or in the space the slab leaves over.',
    source: 'mm/slab.h memcg_alloc_page_obj_cgroups (5.9), account_slab_page (5.15); mm/slub.c (7.1)',
    test: '5.9 makes the vector for the first accounted object',
  }),
  objcgPerNode: flag({
    cells: '-     .     .     .     .     .     .     .     no    .     .     .     .     yes',
    about: 'A memcg has one owner of objects per memory node.',
    source: 'mm/memcontrol.c struct mem_cgroup_per_node (6.18, 7.1)',
    test: 'on 7.1 a memcg has an owner of objects on each node',
  }),
  percpuCharge: word({
    cells: 'none  .     .     .     .     .     .     .     size  .     size+vector . .    .',
    words: ['none', 'size', 'size+vector'],
    about:
      'What an accounted per-CPU allocation is charged: nothing, its size, or also 8 bytes per 4 for the owner vector.',
    source: 'mm/percpu-internal.h pcpu_obj_full_size (5.15, 6.1)',
    test: 'E22',
  }),
  memcgPercpuBytes: formula({
    cells:
      '-     -     -     -     -     -     -     -     2096+592n 2168+624n 1064+688n 1024+496n 1152+512n 1152+512n?',
    about: 'Per-CPU bytes of one memcg: its own, and for each possible node (n).',
    source: 'measured from debug information of each kernel: struct memcg_vmstats_percpu, lruvec_stats_percpu',
    test: 'E22',
  }),
  slubOrder: word({
    cells: 'loop  .     .     .     .     .     .     .     .     .     .     fixed .     .',
    words: ['loop', 'fixed'],
    about: 'How SLUB looks for the order with the least waste: fewer and fewer objects, or a fixed number.',
    source: 'mm/slub.c calculate_order (6.1, 6.12)',
    test: 'E5',
  }),
  slubCpus: word({
    cells: 'possible .  .     .     .     .     .     .     .     present .   .     .     .',
    words: ['possible', 'present'],
    about: 'CPUs that decide the size of slabs: all possible ones, or those that are there.',
    source: 'mm/slub.c calculate_order (5.9, 5.15)',
    unseen: 'every possible CPU of the simulated machine is present',
  }),
  slubCpuPartial: word({
    cells: 'objects .   .     .     .     .     .     .     .     .     slabs .     .     sheaves',
    words: ['objects', 'slabs', 'sheaves'],
    about:
      'What a CPU keeps besides its slab: partial slabs up to a number of objects, of slabs, or arrays of objects (sheaves).',
    source: 'mm/slub.c set_cpu_partial (5.15, 6.1), pcs (7.1)',
    test: 'E5',
  }),
  slubPartialBatch: word({
    cells: 'objects/2 . .     .     .     .     .     .     .     .     slabs/2 .   .     -',
    words: ['objects/2', 'slabs/2'],
    about: 'How many partial slabs a CPU fetches at once: half its limit of objects, or of slabs.',
    source: 'mm/slub.c get_partial_node (5.15, 6.1)',
    test: 'up to 5.15 the partial slabs of a CPU are counted in free objects',
  }),
  kmallocRcl: flag({
    cells: 'no    .     .     .     yes   .     .     .     .     .     .     .     .     .',
    about: 'Reclaimable kmallocs (long file names) have caches of their own: kmalloc-rcl-*.',
    source: 'mm/slab_common.c create_kmalloc_caches (4.3, 5.2)',
    test: 'kmalloc caches go up to two pages, and have the kinds that the kernel has',
  }),
  kmallocCg: flag({
    cells: 'no    .     .     .     .     .     .     .     .     yes   .     .     .     .',
    about: 'Accounted kmallocs have caches of their own: kmalloc-cg-*.',
    source: 'mm/slab_common.c create_kmalloc_caches (5.9, 5.15)',
    test: 'kmalloc caches go up to two pages, and have the kinds that the kernel has',
  }),
  dnameInline: integer({
    cells: '31    .     .     .     .     .     .     .     .     .     .     .     39?   .',
    about: 'Longest file name that fits into the dentry itself, in bytes.',
    source: 'include/linux/dcache.h DNAME_INLINE_LEN (6.12)',
    test: 'a name that does not fit into the dentry is an object of its own',
  }),
  cacheSizes: word({
    cells: '4.3   .     .     .     5.2   .     .     .     5.9   5.15  6.1   6.12  6.19  6.19',
    words: ['4.3', '5.2', '5.9', '5.15', '6.1', '6.12', '6.19'],
    about: 'Object sizes: those measured on the kernel of this name.',
    source: 'measured from debug information of 4.3, 5.2, 5.9, 5.15, 6.1, 6.12 and 6.19',
    test: 'the measured sizes of each tree',
  }),
  cacheNameId: word({
    cells: 'css-id .    .     serial? serial .  .     .     -     .     .     .     .     .',
    words: ['css-id', 'serial'],
    about: "Number in the name of a cgroup's copy of a cache: the css id, or a serial number that only grows.",
    source: 'mm/slab_common.c memcg_create_kmem_cache (4.2, 5.3)',
    unseen: 'the names of copies stand in sysfs alone, which is not simulated',
  }),
  slabinfoFile: word({
    cells: 'full,header-always . . full? . full,header-if-any-cache . . empty . . . .     .',
    words: ['full,header-always', 'full', 'full,header-if-any-cache', 'empty'],
    about: 'memory.kmem.slabinfo: caches with a header, a header only above caches, or empty.',
    source: 'mm/slab_common.c memcg_slab_show (4.2, 5.3), mm/memcontrol.c (5.9)',
    test: 'memory.kmem.slabinfo: the copies of caches a memcg owns now',
  }),
  slabStatUnit: word({
    cells: 'none  .     .     pages .     .     .     .     bytes .     .     .     .     .',
    words: ['none', 'pages', 'bytes'],
    about: 'How slab is counted in the statistics: not at all, by page, or by byte.',
    source: 'mm/slab.h (4.3, 5.3), mm/memcontrol.c mod_objcg_state (5.9)',
    test: 'E8',
  }),
} as const satisfies Record<string, AnyFeature>
