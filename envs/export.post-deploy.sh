# torchaudio from PyPI is linked with CUDA. Beside a CPU build of torch its compiled part cannot be
# loaded; without that part torchaudio works in Python alone, which is all that speechbrain needs.
folder=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
python -c 'import torchaudio' 2>/dev/null || rm -f "$folder"/torchaudio/lib/*.so
python -c 'import torchaudio'
