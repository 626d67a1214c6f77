"""Kernels that only kernels call, as parts of those: lowered once, optimised and translated where they are linked.

Left to itself numba optimises and translates every function together with all that it calls, and then again as a part of whatever calls
it: what lies deep in a tree of calls is translated once for every floor above it.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import binding
from numba.core import caching, codegen, compiler, environment

_numba: Any = numba  # its stubs do not know all its parts
_Result: Any = compiler.CompileResult
_ENVIRONMENT = "_ZN08NumbaEnv"
"""What numba's names of environments begin with."""


class _Part(codegen.JITCodeLibrary):
    """Code with all that it calls; it is linked, and never run by itself."""

    def _optimize_final_module(self) -> None:
        """Whatever it is linked into is optimised as a whole."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def serialize_using_object_code(self) -> tuple[str, bytes]:
        """There is none; `_PartCacheImpl` reads this."""
        return self.name, self._get_module_for_linking().as_bitcode()


class PartCompiler(compiler.Compiler):
    """Makes a part."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        context = self.state.targetctx  # a copy, for this compilation alone
        self.state.library = _Part(context.codegen(), "part")
        context.get_executable = _no_executable


class WholeCompiler(compiler.Compiler):
    """Makes what Python calls. Parts have no place in memory before: their environments, too, are told where they are."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        context = self.state.targetctx
        executable = context.get_executable

        def with_parts(library: Any, fndesc: Any, env: Any) -> Any:
            made = executable(library, fndesc, env)
            for one in library._final_module.global_variables:
                if one.name.startswith(_ENVIRONMENT) and (its := environment.lookup_environment(one.name)) is not None:
                    library.codegen.set_env(one.name, its)
            return made

        context.get_executable = with_parts


class _PartCacheImpl(caching.CompileResultCacheImpl):
    def rebuild(self, target_context: Any, payload: Any) -> Any:
        (name, code), fndesc, env, signature, objectmode, lifted, annotation, reload_init, environments = payload
        for one in reload_init:
            one()
        part = _Part(target_context.codegen(), name)
        part._final_module = binding.parse_bitcode(code)
        part._finalize_final_module()
        return _Result(
            target_context=target_context,
            typing_context=target_context.typing_context,
            library=part,
            environment=env,
            entry_point=_no_executable(part, fndesc, env),
            fndesc=fndesc,
            type_annotation=annotation,
            signature=signature,
            objectmode=objectmode,
            lifted=lifted,
            typing_error=None,
            call_helper=None,
            metadata=None,
            reload_init=reload_init,
            referenced_envs=environments,
        )


class PartCache(caching.FunctionCache):
    """Keeps parts."""

    _impl_class = _PartCacheImpl


def _no_executable(library: Any, fndesc: Any, env: Any) -> Any:
    """What numba knows a function by; there is nothing behind it."""
    return _numba._dynfunc.make_function(fndesc.lookup_module(), fndesc.qualname.split(".")[-1], "a part", 0, env, (library,))
