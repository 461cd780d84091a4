"""What the scripts of this folder share that put mlkit beside its peers: interleaved runs of programs
that each give seconds and a number that tells the quality, and R."""
import statistics
import subprocess
import time


def timed(call):
    """A peer from a function that gives the quality alone."""
    def run():
        start = time.perf_counter()
        quality = call()
        return time.perf_counter() - start, quality
    return run


def r_script(X, path, code):
    """Seconds and quality that an R program prints about the matrix X, which `path` holds."""
    read = f'X <- matrix(readBin("{path}", "double", {X.size}), ncol = {X.shape[1]}, byrow = TRUE)\n'
    out = subprocess.run(["Rscript", "-e", read + code], check=True, capture_output=True, text=True).stdout.split()
    return float(out[0]), float(out[1])


def driver(command):
    """Seconds and quality that one of the C drivers prints."""
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(out[0]), float(out[-1])


def compare(name, programs, runs):
    """Run each of the programs (name: call), the first of which is ours, in turn, `runs` times; print medians,
    qualities and the ratio to ours."""
    seconds, quality = {}, {}
    for _ in range(runs):
        for program, call in programs.items():
            if program in quality and quality[program] is None:
                continue
            try:
                took, quality[program] = call()
                seconds.setdefault(program, []).append(took)
            except (ImportError, OSError, subprocess.CalledProcessError):
                quality[program] = None
    own = statistics.median(next(iter(seconds.values())))
    for program, value in quality.items():
        if value is None:
            print(f"{name:12} {program:26} absent")
            continue
        s = statistics.median(seconds[program])
        spread = f"{min(seconds[program]):.3f} to {max(seconds[program]):.3f}"
        print(f"{name:12} {program:26} {s:9.3f} s ({spread})  quality {value:.10g}  ratio {s / own:.2f}",
              flush=True)
