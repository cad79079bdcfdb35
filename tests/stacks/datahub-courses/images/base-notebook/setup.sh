apt-get install python3 jupyter
